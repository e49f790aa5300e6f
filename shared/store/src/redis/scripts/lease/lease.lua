#!lua flags=allow-oom
-- lease: takes or renews a lease, unless somebody else holds it.
-- KEYS  1 lease
-- ARGV  1 token of the holder | 2 lifetime, ms
-- Out   1 held | 0 somebody else has it
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
