-- Gives an expiry to locks, and to notes of how far a file was imported, that have none.
-- include: keys
-- ARGV: `lock` or `import`, in so many ms, then the names
-- Answers: for each whether it had no end
local stem, wanted, answer = LOCK, 'string', {}
if ARGV[1] == 'import' then stem, wanted = IMPORT, 'hash' end
for i = 3, #ARGV do
  local key = stem .. ARGV[i]
  local is_endless = type_of(key) == wanted and redis.call('PTTL', key) == -1
  answer[i - 2] = is_endless and redis.call('PEXPIRE', key, ARGV[2]) or 0
end
return answer
