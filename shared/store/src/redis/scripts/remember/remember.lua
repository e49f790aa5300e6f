#!lua
-- remember: keeps for a while what MongoDB has of a member's groups, unless that changed since it was read, or the reading took too long.
-- KEYS  1 remembered memberships of the member
-- ARGV  1 memberships, opaque JSON | 2 Redis's TIME before the reading, µs | 3 how old that may be, µs | 4 lifetime, s
-- Out   1 kept | 0 not
local taken_us = tonumber(ARGV[2])
local time = redis.call('TIME')
if time[1] * 1000000 + time[2] - taken_us > tonumber(ARGV[3]) then return 0 end
local there = redis.call('GET', KEYS[1])
if there and string.sub(there, 1, 6) == 'stale ' and tonumber(string.sub(there, 7)) >= taken_us then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
return 1
