#!lua
-- begin: makes or renews a tenant's head, so that writes are taken again. Only the holder of the loading lock may raise the epoch.
-- KEYS  1 head | 2 loading lock
-- ARGV  1 show (that it continues), hold (while it is raised: nobody accepts or shows) or begin | 2 token of the lock, '' = only show
--       3 epoch | 4 run of the server | 5 settings version | 6 counter | 7 complete, '' or '1' | 8 layout of the index
-- Out   {begun} | {shown} | {held} | {already} | {lost}
local head, lock = KEYS[1], KEYS[2]
local step, token, epoch, run, settings, counter, complete, layout = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local there_epoch, there_run, there_counter = unpack(redis.call('HMGET', head, 'epoch', 'run', 'counter'))
local holder = redis.call('GET', lock)
if step == 'show' then
  if there_epoch ~= epoch then return { 'lost' } end
  if holder and there_run == 'raising ' .. holder then return { 'lost' } end
  redis.call('HSET', head, 'run', run)
  return { 'shown' }
end
if holder ~= token then return { 'lost' } end
if step == 'hold' then
  if (there_epoch or '0') ~= epoch then return { 'lost' } end
  if there_epoch then redis.call('HSET', head, 'run', 'raising ' .. token) end
  return { 'held' }
end
if there_epoch and tonumber(there_epoch) >= tonumber(epoch) then return { 'already' } end
if there_counter and tonumber(there_counter) > tonumber(counter) then counter = there_counter end
redis.call('HSET', head, 'counter', counter, 'epoch', epoch, 'run', run, 'settings', settings, 'complete', complete, 'layout', layout)
return { 'begun' }
