#!lua
-- stage: lays changes of a group's members aside, invisible until an accept names the stage. Called as often as there are thousands.
-- KEYS  1 stage
-- ARGV  1 prefix of the keys that hint at changes of a member | 2 hint, `<group>/<stage>` | 3 lifetime of a stage that nobody publishes, s
--       4… per kind of change: `<1 or 0> <U, G or ?>` | members whom it is about, separated by NUL, which none has
-- Out   how many changes the stage holds
local edges = {}
for i = 4, #ARGV, 2 do
  for member in string.gmatch(ARGV[i + 1], '[^%z]+') do
    edges[#edges + 1] = member
    edges[#edges + 1] = ARGV[i]
    redis.call('SADD', ARGV[1] .. member, ARGV[2])
  end
end
redis.call('HSET', KEYS[1], unpack(edges))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('HLEN', KEYS[1])
