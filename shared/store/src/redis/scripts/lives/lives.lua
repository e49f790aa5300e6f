#!lua flags=no-writes
-- lives: whether resources are there, without their documents: one script costs a fraction of as many commands.
-- KEYS  resources
-- ARGV  none
-- Out   per resource: version | settled | epoch | kind | gone | since, '' = none of it; six empty ones where Redis has none
local out = {}
for _, key in ipairs(KEYS) do
  for _, value in ipairs(redis.call('HMGET', key, 'version', 'settled', 'epoch', 'kind', 'gone', 'since')) do out[#out + 1] = value or '' end
end
return out
