#!lua
-- remember: keeps for a while what MongoDB has of a member's groups, unless that changed since it was read, a later reading is kept, or this one took too long.
-- KEYS  1 remembered memberships of the member
-- ARGV  1 memberships, opaque JSON | 2 Redis's TIME before the reading, µs | 3 how old that may be, µs | 4 lifetime, s
-- Out   1 kept, as `at <TIME before the reading> <memberships>` | 0 not
local taken_us = tonumber(ARGV[2])
local time = redis.call('TIME')
if time[1] * 1000000 + time[2] - taken_us > tonumber(ARGV[3]) then return 0 end
-- A mark of staleness goes when a later reading takes its place: then that one's own time keeps earlier ones away.
local there_us = tonumber(string.match(redis.call('GET', KEYS[1]) or '', '^%a+ (%d+)'))
if there_us and there_us >= taken_us then return 0 end
redis.call('SET', KEYS[1], 'at ' .. ARGV[2] .. ' ' .. ARGV[1], 'EX', ARGV[4])
return 1
