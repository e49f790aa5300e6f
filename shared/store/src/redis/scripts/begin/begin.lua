#!lua
-- begin: makes or renews a tenant's head, so that writes are taken again. Only the holder of the loading lock may raise the epoch.
-- KEYS  1 head | 2 loading lock
-- ARGV  1 token of the lock, '' = only show continuity | 2 epoch | 3 run of the server | 4 settings version | 5 counter | 6 complete, '' or '1'
-- Out   {begun} | {shown} | {already} | {lost}
local head, lock = KEYS[1], KEYS[2]
local token, epoch, run, settings, counter, complete = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local there_epoch, there_run, there_counter = unpack(redis.call('HMGET', head, 'epoch', 'run', 'counter'))
if token == '' then
  if there_epoch ~= epoch then return { 'lost' } end
  redis.call('HSET', head, 'run', run)
  return { 'shown' }
end
if redis.call('GET', lock) ~= token then return { 'lost' } end
if there_epoch and tonumber(there_epoch) >= tonumber(epoch) then return { 'already' } end
if there_counter and tonumber(there_counter) > tonumber(counter) then counter = there_counter end
redis.call('HSET', head, 'counter', counter, 'epoch', epoch, 'run', run, 'settings', settings, 'complete', complete)
return { 'begun' }
