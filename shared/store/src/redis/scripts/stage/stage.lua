#!lua
-- stage: lays changes of a group's members aside, invisible until an accept names the stage. Called as often as there are thousands.
-- KEYS  1 stage
-- ARGV  1 prefix of the keys that hint at changes of a member | 2 hint, `<group>/<stage>` | 3 lifetime of a stage that nobody publishes, s | 4… per change: member | `<1 or 0> <U, G or ?>`
-- Out   how many changes the stage holds
local edges = {}
for i = 4, #ARGV, 2 do
  edges[#edges + 1] = ARGV[i]
  edges[#edges + 1] = ARGV[i + 1]
  redis.call('SADD', ARGV[1] .. ARGV[i], ARGV[2])
end
redis.call('HSET', KEYS[1], unpack(edges))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('HLEN', KEYS[1])
