-- Removes jobs from their records, whether they are leased or wait.
-- include: keys, time, record
-- ARGV: for each job the name of its record and its number
-- Answers: 1 or 0 for each: was it there?
expect_type(RESERVED, 'zset')
local answer = {}
for i = 1, #ARGV, 2 do
  local name, number = ARGV[i], tonumber(ARGV[i + 1])
  local record, kept = load_record(name), {}
  local rows = record and record.rows or {}
  for _, row in ipairs(rows) do
    if row[1] ~= number then kept[#kept + 1] = row end
  end
  if #kept < #rows then keep_rows(name, record, kept) end
  answer[#answer + 1] = #kept < #rows and 1 or 0
end
return answer
