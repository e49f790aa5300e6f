#!lua flags=allow-oom
-- record: keeps what MongoDB says of a token or of a tenant's settings. It only raises a record's revision, so an old reading never undoes a newer one.
-- KEYS  1 record | 2 head of the tenant (settings only)
-- ARGV  1 revision | 2 record, opaque JSON
-- Out   1 written | 0 what is there is as new
local there = redis.call('HGET', KEYS[1], 'revision')
if there and tonumber(there) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'record', ARGV[2])
if #KEYS > 1 and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], 'settings', ARGV[1]) end
return 1
