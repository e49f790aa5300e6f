#!lua
-- fill: keeps a copy of what MongoDB has, unless something newer or pending is there, or the reading took too long to be trusted.
-- A marker (a settled copy whose document was evicted) gets its document back from a reading of the same version, never from an older one.
-- KEYS  1 resource
-- ARGV  1 document | 2 version | 3 modified, µs | 4 born | 5 epoch | 6 stamp | 7 Redis's TIME before MongoDB was read, µs | 8 how old that may be, µs | 9 lifetime, s
--       10 kind, U or G | 11 gone, 0 or 1 | 12 memberships older than this are void, '' = none
-- Out   {filled} | {newer} | {stale}
local resource, document, version, modified, born, epoch, stamp = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local taken_us, age_max_us, lifetime_s = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]

local time = redis.call('TIME')
if time[1] * 1000000 + time[2] - taken_us > age_max_us then return { 'stale' } end

local there, settled, there_epoch, there_request = unpack(redis.call('HMGET', resource, 'version', 'settled', 'epoch', 'request'))
local request = ''
if there then
  if settled ~= there then return { 'newer' } end
  if there_epoch == epoch then
    if tonumber(there) > tonumber(version) then return { 'newer' } end
    if there == version then
      if redis.call('HEXISTS', resource, 'doc') == 1 then return { 'newer' } end
      -- The request that made this version may still be retried.
      request = there_request or ''
    end
  end
end
redis.call('HSET', resource, 'doc', document, 'version', version, 'modified', modified, 'born', born, 'epoch', epoch, 'stamp', stamp, 'settled', version, 'request', request,
  'kind', ARGV[10], 'gone', ARGV[11], 'since', ARGV[12])
redis.call('EXPIRE', resource, lifetime_s)
return { 'filled' }
