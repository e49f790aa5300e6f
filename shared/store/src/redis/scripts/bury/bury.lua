#!lua flags=allow-oom
-- bury: makes a dead letter of a resource whose newest state MongoDB refused for good; not of one that has a newer state, or was applied, by now.
-- KEYS  1 resource | 2 pending of the tenant | 3 pending of the partition | 4 dead of the tenant | 5 dead of the partition
-- ARGV  1 tenant | 2 member | 3 version that was tried | 4 cause, opaque JSON
-- Out   {buried, left} | {newer, left}   left: how many of the tenant are still pending
local resource, pending, partition_pending, dead, partition_dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local tenant, member, tried, cause = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local version, settled = unpack(redis.call('HMGET', resource, 'version', 'settled'))
if version ~= tried or settled == tried then return { 'newer', redis.call('ZCARD', pending) } end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', resource, 'dead', tried, 'cause', cause, 'died', now)
redis.call('ZREM', pending, member)
redis.call('ZADD', dead, now, member)
redis.call('ZADD', partition_dead, now, tenant .. ' ' .. member)
local oldest = redis.call('ZRANGE', pending, 0, 0, 'WITHSCORES')
if #oldest == 0 then
  redis.call('ZREM', partition_pending, tenant)
else
  redis.call('ZADD', partition_pending, oldest[2], tenant)
end
return { 'buried', redis.call('ZCARD', pending) }
