#!lua flags=allow-oom
-- untry: takes back the tries that `collect` counted, where a transient error says nothing about the resources.
-- KEYS  resources
-- ARGV  per resource: version that was tried
-- Out   how many
local count = 0
for i, key in ipairs(KEYS) do
  local version, tries = unpack(redis.call('HMGET', key, 'version', 'tries'))
  if version == ARGV[i] and tonumber(tries or '0') > 0 then
    redis.call('HSET', key, 'tries', tonumber(tries) - 1)
    count = count + 1
  end
end
return count
