#!lua flags=allow-oom
-- close-stage: takes a stage, whose changes MongoDB has, off its group.
-- KEYS  1 group | 2 stage
-- ARGV  1 as the group names it, `<stage>:<version>`
-- Out   1 closed | 0 it was closed before
redis.call('UNLINK', KEYS[2])
local stages = redis.call('HGET', KEYS[1], 'stages')
if not stages then return 0 end
local rest, closed = {}, 0
for each in string.gmatch(stages, '%S+') do
  if each == ARGV[1] then closed = 1 else rest[#rest + 1] = each end
end
if closed == 1 then redis.call('HSET', KEYS[1], 'stages', table.concat(rest, ' ')) end
return closed
