#!lua flags=allow-oom
-- collect: what a worker takes to apply next: the oldest pending of a tenant, or one resource by name. Counts a try on each before it is tried.
-- KEYS  1 pending of the tenant | 2 pending of the partition | 3… resources (only where they are named)
-- ARGV  1 how many at most | 2 prefix of the tenant's resource keys | 3 from which try on a resource goes alone | 4 tenant | 5… members (only where they are named)
-- Out   per resource: member | doc | version | modified | born | stamp | tries | trace | urgent ('' = no) | request id | pending since, µs | memberships older than this are void, '' = none | stages
local pending, partition_pending = KEYS[1], KEYS[2]
local count, prefix, alone, tenant = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]
local members = {}
if #ARGV > 4 then
  for i = 5, #ARGV do members[#members + 1] = ARGV[i] end
else
  members = redis.call('ZRANGE', pending, 0, count - 1)
end
local out = {}
for _, member in ipairs(members) do
  local since = redis.call('ZSCORE', pending, member)
  if since then
    local key = prefix .. string.sub(member, 2)
    local state = redis.call('HMGET', key, 'doc', 'version', 'modified', 'born', 'stamp', 'tries', 'trace', 'urgent', 'rid', 'since', 'stages')
    if not state[1] then
      -- Nothing stands behind the name: it must not be asked for again and again.
      redis.call('ZREM', pending, member)
    else
      local tries = tonumber(state[6] or '0') + 1
      local goes_alone = tries >= alone
      -- What failed twice is tried by itself, first; the others wait for the next batch.
      if not goes_alone or #out == 0 then
        redis.call('HSET', key, 'tries', tries)
        out[#out + 1] = { member, state[1], state[2], state[3], state[4], state[5] or '', tries, state[7] or '', state[8] or '', state[9] or '', since, state[10] or '', state[11] or '' }
      end
      if goes_alone and #out > 0 then break end
    end
  end
end
-- A tenant with nothing pending must not be rung for again and again either.
if #out == 0 and redis.call('EXISTS', pending) == 0 then redis.call('ZREM', partition_pending, tenant) end
return out
