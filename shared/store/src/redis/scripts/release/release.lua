#!lua flags=allow-oom
-- release: gives a lease back if it is still the caller's, and says what is left to do, in one step: whoever rings after this finds the lease free.
-- KEYS  1 lease | 2 pending of the tenant (a worker's lease only)
-- ARGV  1 token of the holder
-- Out   how many are pending
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
if #KEYS < 2 then return 0 end
return redis.call('ZCARD', KEYS[2])
