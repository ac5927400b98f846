-- Ends leases of one reservation, their jobs done.
-- include: keys, time, record
-- ARGV: again (1 when the answer to this request may have been lost before), token, the deadline in ms when
--   the leases were made, then the numbers of the jobs
-- Answers: see answer_held in lib/record.lua
local again, token, first_deadline, numbers = ARGV[1] == '1', ARGV[2], tonumber(ARGV[3]), numbers_from(4)
local held, record = held_jobs(token, numbers)
forget_jobs(token, record, held)
return answer_held(numbers, held, again, first_deadline)
