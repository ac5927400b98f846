-- Reads a part of the ready jobs that were set aside because a key of a wrong type stands in the place of their
-- body.
-- include: keys, time, note, aside
-- ARGV: cursor of HSCAN
-- Answers: the next cursor, then for each job: id, topic, due ms or '', the type of the key
local MOST_JOBS = 200
local part = read('HSCAN', SET_ASIDE, ARGV[1], 'COUNT', MOST_JOBS) or { '0', {} }
local answer = { part[1] }
for i = 1, #part[2], 2 do
  local id, record = part[2][i], read_aside(part[2][i + 1])
  local _, due = read_place(record and type(record[3]) == 'string' and record[3] or '')
  for _, value in ipairs(record and { id, record[2], due or '', type_of(BUCKET .. id) } or {}) do
    answer[#answer + 1] = value
  end
end
return answer
