#!lua flags=allow-oom
-- settle: marks resources as applied. One that has a newer version by now stays pending, set to the end of the line.
-- Where the copies are not kept, a marker stays of each: all fields but the document, so that no fill brings back an older version.
-- KEYS  1 pending of the tenant | 2 pending of the partition | 3 dead of the tenant | 4 dead of the partition | 5 head | 6… resources
-- ARGV  1 tenant | 2 lifetime of a settled copy, or of its marker, s | 3 keep the copies, 0 or 1 | 4… per resource: member of the pending set | version that was applied
-- Out   {left, settled}   left: how many of the tenant are still pending
local pending, partition_pending, dead, partition_dead, head = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local tenant, lifetime_s, keep = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])

local done, bytes = {}, 0
for i = 6, #KEYS do
  local member, applied = ARGV[(i - 6) * 2 + 4], ARGV[(i - 6) * 2 + 5]
  local version, died, urgent, settled = unpack(redis.call('HMGET', KEYS[i], 'version', 'dead', 'urgent', 'settled'))
  if version == applied then
    if settled ~= version then
      bytes = bytes + redis.call('HSTRLEN', KEYS[i], 'doc')
      redis.call('HSET', KEYS[i], 'settled', version)
      if urgent or died then redis.call('HDEL', KEYS[i], 'urgent', 'dead', 'cause', 'died') end
      if keep == '0' then redis.call('HDEL', KEYS[i], 'doc', 'trace', 'rid', 'tries') end
      redis.call('EXPIRE', KEYS[i], lifetime_s)
      if died then
        redis.call('ZREM', dead, member)
        redis.call('ZREM', partition_dead, tenant .. ' ' .. member)
      end
    end
    done[#done + 1] = member
  elseif version then
    redis.call('ZADD', pending, 'XX', now, member)
  end
end
local settled = 0
if #done > 0 then settled = redis.call('ZREM', pending, unpack(done)) end

local oldest = redis.call('ZRANGE', pending, 0, 0, 'WITHSCORES')
local unsettled = tonumber(redis.call('HGET', head, 'unsettled') or '0')
-- With nothing left nothing counts, whatever an older release or a lost key left uncounted.
local rest = (#oldest == 0 and redis.call('EXISTS', dead) == 0) and 0 or math.max(0, unsettled - bytes)
if rest ~= unsettled then redis.call('HSET', head, 'unsettled', string.format('%.0f', rest)) end
if #oldest == 0 then
  redis.call('ZREM', partition_pending, tenant)
  return { 0, settled }
end
redis.call('ZADD', partition_pending, oldest[2], tenant)
return { redis.call('ZCARD', pending), settled }
