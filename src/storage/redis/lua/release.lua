-- Ends leases of one reservation as if their jobs had never been taken. A job that cannot come back yet
-- waits, and comes back later.
-- include: keys, time, note, memo, record, schedule, line, waiting, comeback
-- ARGV: token, then the numbers of the jobs
-- Answers: 1 or 0 for each number: was the lease still held?
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
local token, numbers = ARGV[1], numbers_from(2)
local held, record = held_jobs(token, numbers)
local jobs = {}
for _, job in pairs(held) do
  job.row[6] = math.max(0, job.row[6] - 1)
  jobs[#jobs + 1] = job
end
-- The record goes last: where a user may not run one of these commands, a job comes back twice at worst.
allow_writes()
bring_back(jobs, now_ms())
forget_jobs(token, record, held)
return answer_held(numbers, held)
