#!lua flags=allow-oom
-- settle-members: forgets changes of a group's members that MongoDB has by now, unless a newer change has taken their place.
-- KEYS  1 changes of the group, or one of its stages | 2 head
-- ARGV  1 prefix of the hints | 2 hint | 3 prefix of the remembered memberships | 4 how long a mark of staleness is kept, s | 5 bytes that a change counts as | 6… per change: member | as it was read
-- Out   how many were forgotten
local hints, hint, memberships, stale_s = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
local count = 0
for i = 6, #ARGV, 2 do
  local member = ARGV[i]
  if redis.call('HGET', KEYS[1], member) == ARGV[i + 1] then
    -- What was read from MongoDB before this is old: whoever still has it in hand must not keep it.
    redis.call('SET', memberships .. member, 'stale ' .. now, 'EX', stale_s)
    redis.call('HDEL', KEYS[1], member)
    redis.call('SREM', hints .. member, hint)
    count = count + 1
  end
end
if count > 0 then
  local unsettled = tonumber(redis.call('HGET', KEYS[2], 'unsettled') or '0')
  if unsettled > 0 then redis.call('HSET', KEYS[2], 'unsettled', string.format('%.0f', math.max(0, unsettled - count * ARGV[5]))) end
end
return count
