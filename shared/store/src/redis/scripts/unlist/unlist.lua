#!lua flags=allow-oom
-- unlist: deletes lines of history that MongoDB has, and counts their bytes off their tenants.
-- KEYS  1 history | 2… heads of the tenants whose lines they are
-- ARGV  per head: bytes of its lines; then the ids of the lines
-- Out   how many lines were deleted
local tenants = #KEYS - 1
local deleted, asked = redis.call('XDEL', KEYS[1], unpack(ARGV, tenants + 1)), #ARGV - tenants
local is_empty = redis.call('XLEN', KEYS[1]) == 0
for i = 1, tenants do
  local bytes = tonumber(redis.call('HGET', KEYS[i + 1], 'unrecorded') or '0')
  -- Another process may have deleted some: their bytes are off already. An empty history has none, whatever was miscounted.
  local rest = is_empty and 0 or (deleted == asked and math.max(0, bytes - ARGV[i]) or bytes)
  if rest ~= bytes then redis.call('HSET', KEYS[i + 1], 'unrecorded', string.format('%.0f', rest)) end
end
return deleted
