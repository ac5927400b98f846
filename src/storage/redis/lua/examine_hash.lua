-- Looks at a part of one of delayer's own hashes for values that no version wrote, and for notes of jobs that have no
-- body any more.
-- include: keys, time, note, aside, written
-- ARGV: which hash (lib/written.lua), cursor, how many values to look at
-- Answers: the next cursor, how many were looked at, then for each: field, and what it is (strange, newer, or bodiless)
local hash = HASHES[ARGV[1]]
expect_type(hash.key, 'hash')
local part = redis.call('HSCAN', hash.key, ARGV[2], 'COUNT', ARGV[3])
local values = part[2]
local answer = { part[1], #values / 2 }
for i = 1, #values, 2 do
  local what = who_wrote(hash, values[i + 1])
  if what == '' and ARGV[1] == 'notes' and redis.call('EXISTS', BUCKET .. values[i]) == 0 then what = 'bodiless' end
  if what ~= '' then
    answer[#answer + 1] = values[i]
    answer[#answer + 1] = what
  end
end
return answer
