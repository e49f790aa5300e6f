#!lua
-- accept: stores a resource's next state, marks it pending, and writes its line of history. Every check precedes the first write.
-- KEYS  1 resource | 2 head | 3 index of the tenant | 4 pending of the tenant | 5 pending of the partition | 6 history
--       7 changes of members of the resource (a group) | 8… other resources seen
-- ARGV  1 id | 2 expected version, 0 = new, `any <version, or nothing>` = whichever, if live, and memberships older than that are void | 3 document, opaque JSON, '' = as it is | 4 history line, opaque JSON | 5 request key | 6 not after, ms | 7 urgent, 0 or 1
--       8 tenant | 9 member of the pending set | 10 epoch | 11 run of the server | 12 settings version | 13 stamp | 14 backlog cap | 15 trace, '' = none
--       16 prefix of the claims whose holders are counted | 17 field of the index that counts them
--       18 gone, 0 or 1 | 19 memberships older than this version are void, 0 or 1 | 20 stage whose changes become visible with this, '' = none
--       21 its key | 22 prefix of the keys that hint at changes of a member | 23 request id | 24 most bytes of the tenant that MongoDB has not | 25 bytes that a change of a member counts as
--       26 number of changes of members, then per change: member | `<1 in, 0 out> <U, G or ?>`
--       then as many versions as there are KEYS from 8 on (0 = not in Redis), then per entry of the index: field | value that was seen, '' = none | value to be, '' = none
-- Out   {ok, version, now, ring, born} | {replay, version, modified, born} | {conflict, what} | {taken, field, ids} | {late} | {fresh} | {full, resources, history or bytes}
--       now, modified: Redis's TIME, µs; ring: nobody was called yet for this tenant
local resource, head, index, pending, partition_pending, history = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local deltas = KEYS[7]
local id, expected, document, line, request, not_after_ms, urgent = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]
local tenant, member, epoch, run, settings, stamp, backlog_max, trace = ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13], tonumber(ARGV[14]), ARGV[15]
local counted, counter_field, gone, since, stage, stage_key, hints = ARGV[16], ARGV[17], ARGV[18], ARGV[19], ARGV[20], ARGV[21], ARGV[22]
local request_id, backlog_bytes_max, change_bytes, changes = ARGV[23], tonumber(ARGV[24]), tonumber(ARGV[25]), tonumber(ARGV[26])

local version, last_request, born, modified, is_gone, stages, is_since, settled =
  unpack(redis.call('HMGET', resource, 'version', 'request', 'born', 'modified', 'gone', 'stages', 'since', 'settled'))
if last_request == request then return { 'replay', version, modified, born } end

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
if time[1] * 1000 + time[2] / 1000 > not_after_ms then return { 'late' } end

local counter, head_epoch, head_run, head_settings, unsettled, unrecorded =
  unpack(redis.call('HMGET', head, 'counter', 'epoch', 'run', 'settings', 'unsettled', 'unrecorded'))
if not counter or head_epoch ~= epoch or head_run ~= run then return { 'fresh' } end
if head_settings ~= settings then return { 'conflict', 'settings' } end
local seen_since = string.match(expected, '^any ?(%d*)$')
if seen_since then
  if not version or is_gone == '1' then return { 'conflict', 'version' } end
  -- Who was a member already is not among the changes: a replacement of all in between would leave them out.
  if (is_since or '') ~= seen_since then return { 'conflict', 'since' } end
elseif (version or '0') ~= expected then
  return { 'conflict', 'version' }
end

-- Bytes that Redis must keep until MongoDB has them: documents, changes of members, lines of history. All but the lines count in the head's `unsettled`.
local was_unsettled = version and settled ~= version
local more_bytes = #document
if document == '' or was_unsettled then
  local there_bytes = redis.call('HSTRLEN', resource, 'doc')
  -- Of a marker only MongoDB has the document: it must be read, and kept, before the version moves on.
  if document == '' and there_bytes == 0 then return { 'conflict', 'document' } end
  if document == '' then more_bytes = there_bytes end
  if was_unsettled then more_bytes = more_bytes - there_bytes end
end
if stage ~= '' and redis.call('EXISTS', stage_key) == 0 then return { 'conflict', 'stage' } end
local first_change, others = 27, #KEYS - 7
local first_other = first_change + changes * 2
for i = 1, others do
  if (redis.call('HGET', KEYS[7 + i], 'version') or '0') ~= ARGV[first_other + i - 1] then return { 'conflict', 'other' } end
end

-- Ids in a text of the index.
local function held(ids)
  if ids == '' then return 0 end
  local _, more = string.gsub(ids, ' ', '')
  return more + 1
end
local first = first_other + others
local sets, dels, more_live = {}, {}, 0
if #ARGV >= first then
  local fields = {}
  for i = first, #ARGV, 3 do fields[#fields + 1] = ARGV[i] end
  fields[#fields + 1] = counter_field
  local found = redis.call('HMGET', index, unpack(fields))
  local live = table.remove(found)
  fields[#fields] = nil
  for n = 1, #fields do
    local field, seen, to_be, there = fields[n], ARGV[first + n * 3 - 2], ARGV[first + n * 3 - 1], found[n] or ''
    if there ~= seen then
      if seen == '' and string.sub(field, 1, 2) == 'n:' then return { 'taken', field, there } end
      return { 'conflict', field }
    end
    if to_be ~= there then
      if string.sub(field, 1, #counted) == counted then more_live = more_live + held(to_be) - held(there) end
      if to_be == '' then
        dels[#dels + 1] = field
      else
        sets[#sets + 1] = field
        sets[#sets + 1] = to_be
      end
    end
  end
  if more_live ~= 0 then
    sets[#sets + 1] = counter_field
    sets[#sets + 1] = string.format('%.0f', (live or 0) + more_live)
  end
end
-- The chronicle is shared by a partition's tenants, and grows with every version: it may be longer, and not without end.
if urgent == '0' then
  if redis.call('ZCARD', pending) >= backlog_max then return { 'full', 'resources' } end
  if redis.call('XLEN', history) >= backlog_max * 10 then return { 'full', 'history' } end
  local bytes = (unsettled or 0) + (unrecorded or 0) + more_bytes + #line + changes * change_bytes
  if bytes > backlog_bytes_max then return { 'full', 'bytes' } end
end

local next_version = string.format('%.0f', counter + 1)
local state = { 'version', next_version, 'modified', now, 'request', request, 'stamp', stamp, 'epoch', epoch, 'tries', '0', 'trace', trace, 'rid', request_id }
if document ~= '' then
  state[#state + 1] = 'doc'
  state[#state + 1] = document
end
if urgent == '1' then
  state[#state + 1] = 'urgent'
  state[#state + 1] = '1'
end
if not version then
  born = next_version
  state[#state + 1] = 'born'
  state[#state + 1] = next_version
  state[#state + 1] = 'kind'
  state[#state + 1] = string.sub(member, 1, 1)
end
if gone == '1' or is_gone == '1' then
  state[#state + 1] = 'gone'
  state[#state + 1] = gone
end
if since == '1' then
  state[#state + 1] = 'since'
  state[#state + 1] = next_version
end
if stage ~= '' then
  redis.call('PERSIST', stage_key)
  more_bytes = more_bytes + redis.call('HLEN', stage_key) * change_bytes
  state[#state + 1] = 'stages'
  state[#state + 1] = (stages and stages ~= '' and stages .. ' ' or '') .. stage .. ':' .. next_version
end
redis.call('HSET', resource, unpack(state))
if version then redis.call('PERSIST', resource) end
if #sets > 0 then redis.call('HSET', index, unpack(sets)) end
if #dels > 0 then redis.call('HDEL', index, unpack(dels)) end
if changes > 0 then
  local edges = {}
  for i = first_change, first_other - 1, 2 do
    edges[#edges + 1] = ARGV[i]
    edges[#edges + 1] = next_version .. ' ' .. ARGV[i + 1]
    redis.call('SADD', hints .. ARGV[i], id)
  end
  more_bytes = more_bytes + redis.call('HSET', deltas, unpack(edges)) * change_bytes
end
redis.call('HSET', head, 'counter', next_version, 'unsettled', string.format('%.0f', math.max(0, (unsettled or 0) + more_bytes)),
  'unrecorded', string.format('%.0f', (unrecorded or 0) + #line))
redis.call('ZADD', pending, now, member)
local ring = redis.call('ZADD', partition_pending, 'NX', now, tenant)
redis.call('XADD', history, '*', 'tenant', tenant, 'id', id, 'version', next_version, 'line', line)
return { 'ok', next_version, now, ring, born }
