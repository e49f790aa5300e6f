#!lua flags=allow-oom
-- evict: takes the documents off the older half of the settled copies among these resources, as MongoDB has them. What is pending or dead stays whole.
-- A marker stays of each: version, epoch, stamp, request and so on; it guards against fills of older readings.
-- KEYS  resources
-- ARGV  1 lifetime of a marker, s: a longer one becomes this, a shorter one stays
-- Out   {evicted, copies}   how many documents were evicted, of how many copies
local lifetime_ms = ARGV[1] * 1000
local copies = {}
for _, key in ipairs(KEYS) do
  local version, settled = unpack(redis.call('HMGET', key, 'version', 'settled'))
  if version and version == settled and redis.call('HEXISTS', key, 'doc') == 1 then
    copies[#copies + 1] = { key, redis.call('PTTL', key) }
  end
end
-- The less of its life is left, the older it is.
table.sort(copies, function (a, b) return a[2] < b[2] end)
local evicted = math.ceil(#copies / 2)
for i = 1, evicted do
  local key, left_ms = copies[i][1], copies[i][2]
  redis.call('HDEL', key, 'doc', 'trace', 'rid', 'tries')
  if left_ms > lifetime_ms then redis.call('PEXPIRE', key, string.format('%.0f', lifetime_ms)) end
end
return { evicted, #copies }
