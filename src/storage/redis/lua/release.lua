-- Ends leases of one reservation as if their jobs had never been reserved. A job that cannot come back yet waits,
-- and comes back later.
-- include: keys, time, extras, note, memo, bounds, mark, known, entry, record, schedule, line, waiting, comeback, wake
-- ARGV: again (1 when the answer to this request may have been lost before), wake channel, token, the deadline in ms
--   when the leases were made, then the numbers of the jobs
-- Answers: see answer_held in lib/record.lua
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
local again, token, first_deadline, numbers = ARGV[1] == '1', ARGV[3], tonumber(ARGV[4]), numbers_from(5)
local held, record = held_jobs(token, numbers)
local jobs = {}
for _, job in pairs(held) do
  expect_type(WAITING .. job.row[2], 'list')
  take_back(job)
  if not job.is_held then keep_key(job) end
  jobs[#jobs + 1] = job
end
-- Jobs with equal places, as original clients push them, come back in the given order.
table.sort(jobs, function(a, b) return a.row[1] < b.row[1] end)
-- The record is deleted last: if an ACL forbids one of these commands, a job comes back twice at worst.
allow_writes()
local done = bring_back(jobs, now_ms())
forget_jobs(token, record, held)
if done.is_first then wake(ARGV[2], done.due) end
return answer_held(numbers, held, again, first_deadline)
