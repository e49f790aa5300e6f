#!lua
-- load: adds index entries that were read from MongoDB (or from pending resources), where nobody has written that entry yet.
-- A holder with a newer state in Redis is left out: its own accept has written its entries.
-- KEYS  1 loading lock | 2 index | 3 head
-- ARGV  1 token of the lock | 2 Redis's TIME before the reading, µs | 3 how old that may be, µs | 4 lifetime of the lock, ms | 5 prefix of the tenant's resource keys
--       6 prefix of the claims whose holders are counted | 7 field of the index that counts them | 8 epoch if the index is complete with this, else ''
--       9… per entry: field | number of holders | per holder: id, version
-- Out   {loaded, entries} | {stale} | {lost}
local lock, index, head = KEYS[1], KEYS[2], KEYS[3]
local token, taken_us, age_max_us, lock_ms, prefix, counted, counter_field, complete = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if redis.call('GET', lock) ~= token then return { 'lost' } end
local time = redis.call('TIME')
if time[1] * 1000000 + time[2] - taken_us > age_max_us then return { 'stale' } end
if complete ~= '' and redis.call('HGET', head, 'epoch') ~= complete then return { 'lost' } end

local sets, more_live, at = {}, 0, 9
while at <= #ARGV do
  local field, holders = ARGV[at], tonumber(ARGV[at + 1])
  local ids = {}
  for i = 0, holders - 1 do
    local id, version = ARGV[at + 2 + i * 2], tonumber(ARGV[at + 3 + i * 2])
    local there = redis.call('HGET', prefix .. id, 'version')
    if not there or tonumber(there) <= version then ids[#ids + 1] = id end
  end
  at = at + 2 + holders * 2
  if #ids > 0 and redis.call('HEXISTS', index, field) == 0 then
    sets[#sets + 1] = field
    sets[#sets + 1] = table.concat(ids, ' ')
    if string.sub(field, 1, #counted) == counted then more_live = more_live + #ids end
  end
end
local entries = #sets / 2
if more_live > 0 then
  sets[#sets + 1] = counter_field
  sets[#sets + 1] = string.format('%.0f', (redis.call('HGET', index, counter_field) or 0) + more_live)
end
if #sets > 0 then redis.call('HSET', index, unpack(sets)) end
redis.call('PEXPIRE', lock, lock_ms)
if complete ~= '' then redis.call('HSET', head, 'complete', '1') end
return { 'loaded', entries }
