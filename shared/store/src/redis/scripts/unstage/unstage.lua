#!lua flags=allow-oom
-- unstage: takes changes of members that were laid aside, and no accept has published, away again, with what hints at them.
-- KEYS  1 stage
-- ARGV  1 prefix of the keys that hint at changes of a member | 2 hint, `<group>/<stage>` | 3… members
-- Out   how many were taken away; 0 where the stage is published: it has no lifetime then
if redis.call('TTL', KEYS[1]) < 0 then return 0 end
local count = 0
for i = 3, #ARGV do
  count = count + redis.call('HDEL', KEYS[1], ARGV[i])
  redis.call('SREM', ARGV[1] .. ARGV[i], ARGV[2])
end
return count
