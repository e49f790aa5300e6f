#!lua
-- redrive: puts a dead letter back among the pending, with its tries forgotten.
-- KEYS  1 resource | 2 pending of the tenant | 3 pending of the partition | 4 dead of the tenant | 5 dead of the partition
-- ARGV  1 tenant | 2 member
-- Out   {redriven, version, request id} | {absent}
local resource, pending, partition_pending, dead, partition_dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local tenant, member = ARGV[1], ARGV[2]
if redis.call('ZREM', dead, member) == 0 then return { 'absent' } end
redis.call('ZREM', partition_dead, tenant .. ' ' .. member)
local version, request, settled = unpack(redis.call('HMGET', resource, 'version', 'rid', 'settled'))
if not version then return { 'absent' } end
redis.call('HSET', resource, 'tries', '0')
redis.call('HDEL', resource, 'dead', 'cause', 'died')
if settled == version then return { 'absent' } end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('ZADD', pending, 'NX', now, member)
redis.call('ZADD', partition_pending, 'NX', now, tenant)
return { 'redriven', version, request or '' }
