-- Ends leases of one reservation, their jobs done.
-- include: keys, time, record
-- ARGV: again (1 when the answer to this request may have been lost before), token, the deadline in ms when
--   the leases were made, then the numbers of the jobs
-- Answers: 1 or 0 for each number: was the lease still held? Before that deadline a lease ends only by its
--   holder, so one that is gone by then was ended by the request whose answer was lost. After it nobody
--   knows which of the two it was: -1.
local token, numbers = ARGV[2], numbers_from(4)
local held, record = held_jobs(token, numbers)
forget_jobs(token, record, held)

local answer = answer_held(numbers, held)
if ARGV[1] == '1' then
  local gone = now_ms() < tonumber(ARGV[3]) and 1 or -1
  for i in ipairs(answer) do
    if not held[numbers[i]] then answer[i] = gone end
  end
end
return answer
