-- Removes jobs from their records, whether they are leased or wait: those of the first records, for as long as one run
-- may take.
-- include: keys, time, bounds, record
-- ARGV: for each job the name of its record and its number; those of one record one after the other
-- Answers: 1 or 0 for each job that was dealt with: was it there?
expect_type(RESERVED, 'zset')
-- A record is unpacked and packed again at some 2 µs a job and 1 ms a megabyte.
local MOST_JOBS, answer, jobs, bytes = 1000, {}, 0, 0

-- A lease that was extended alone since it was seen has a record of its own. Answers how many jobs were read.
local function revoke(name, numbers)
  local token = #numbers == 1 and string.match(name, '^(.*)%.' .. numbers[1] .. '$') or name
  local held, record = held_jobs(token, numbers)
  forget_jobs(token, record, held)
  for _, number in ipairs(numbers) do
    answer[#answer + 1] = held[number] and 1 or 0
    held[number] = nil
  end
  return record and #record.rows or 1
end

local i = 1
while i < #ARGV and jobs < MOST_JOBS and bytes <= MOST_BYTES do
  local name, numbers = ARGV[i], {}
  repeat
    numbers[#numbers + 1] = tonumber(ARGV[i + 1])
    i = i + 2
  until ARGV[i] ~= name
  bytes = bytes + bytes_of(name)
  jobs = jobs + revoke(name, numbers)
end
return answer
