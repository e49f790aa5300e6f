#!lua flags=allow-oom
-- settle: marks resources as applied. One that has a newer version by now stays pending, set to the end of the line.
-- KEYS  1 pending of the tenant | 2 pending of the partition | 3 dead of the tenant | 4 dead of the partition | 5… resources
-- ARGV  1 tenant | 2 lifetime of a settled copy, s | 3… per resource: member of the pending set | version that was applied
-- Out   {left, settled}   left: how many of the tenant are still pending
local pending, partition_pending, dead, partition_dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local tenant, lifetime_s = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])

local done = {}
for i = 5, #KEYS do
  local member, applied = ARGV[(i - 5) * 2 + 3], ARGV[(i - 5) * 2 + 4]
  local version, died, urgent, settled = unpack(redis.call('HMGET', KEYS[i], 'version', 'dead', 'urgent', 'settled'))
  if version == applied then
    if settled ~= version then
      redis.call('HSET', KEYS[i], 'settled', version)
      if urgent or died then redis.call('HDEL', KEYS[i], 'urgent', 'dead', 'cause', 'died') end
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
if #oldest == 0 then
  redis.call('ZREM', partition_pending, tenant)
  return { 0, settled }
end
redis.call('ZADD', partition_pending, oldest[2], tenant)
return { redis.call('ZCARD', pending), settled }
