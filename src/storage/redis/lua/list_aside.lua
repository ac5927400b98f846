-- Reads a part of the ready jobs that were set aside: a key of the wrong type stands in the place of their body.
-- include: keys, time
-- ARGV: cursor of HSCAN
-- Answers: the next cursor, then for each job: id, topic, due ms or '', the type of the key
local MOST_JOBS = 200
local part = read('HSCAN', SET_ASIDE, ARGV[1], 'COUNT', MOST_JOBS) or { '0', {} }
local answer = { part[1] }
for i = 1, #part[2], 2 do
  local id, record = part[2][i], unpack_array(part[2][i + 1]) or {}
  if is_version(record[1]) then expect_version(SET_ASIDE, record[1]) end
  local due = tonumber(record[3])
  for _, value in ipairs({ id, record[2] or '', due and from_score(due) or '', type_of(BUCKET .. id) }) do
    answer[#answer + 1] = value
  end
end
return answer
