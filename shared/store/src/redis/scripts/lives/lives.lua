#!lua flags=no-writes
-- lives: whether resources are there, without their documents: one script costs a fraction of as many commands.
-- KEYS  1 prefix of the resources
-- ARGV  1 ids, separated by NUL, which none has: one text is read and sent at a fraction of as many
-- Out   a line for each: version settled epoch kind gone since, '-' = none of it; an empty line where Redis has none
local out = {}
for id in string.gmatch(ARGV[1], '[^%z]+') do
  local version, settled, epoch, kind, gone, since =
    unpack(redis.call('HMGET', KEYS[1] .. id, 'version', 'settled', 'epoch', 'kind', 'gone', 'since'))
  if version then
    out[#out + 1] = table.concat({ version, settled or '-', epoch or '-', kind or '-', gone or '-', since or '-' }, ' ')
  else
    out[#out + 1] = ''
  end
end
return table.concat(out, '\n')
