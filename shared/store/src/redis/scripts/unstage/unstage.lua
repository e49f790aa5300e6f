#!lua flags=allow-oom
-- unstage: takes changes of members that were laid aside, and no accept has published, away again, with what hints at them.
-- KEYS  1 stage
-- ARGV  1 prefix of the keys that hint at changes of a member | 2 hint, `<group>/<stage>` | 3 members, separated by NUL, which none has
-- Out   how many were taken away; 0 where the stage is published: it has no lifetime then
if redis.call('TTL', KEYS[1]) < 0 then return 0 end
local count = 0
for member in string.gmatch(ARGV[3], '[^%z]+') do
  count = count + redis.call('HDEL', KEYS[1], member)
  redis.call('SREM', ARGV[1] .. member, ARGV[2])
end
return count
