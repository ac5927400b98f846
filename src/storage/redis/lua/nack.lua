-- Ends leases of one reservation, their jobs failed: delayed until the next try, or dead.
-- include: keys, time, note, memo, bounds, known, entry, record, schedule, line, waiting, comeback, dead, wake
-- ARGV: retry or dead, ms until the next try or until the dead letter is deleted (0 is never), reason, wake
--   channel, token, then the numbers of the jobs
-- Answers: 1 or 0 for each number: was the lease still held?
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')
local is_dead, ms, reason, channel, token = ARGV[1] == 'dead', tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local now, numbers = now_ms(), numbers_from(6)
local held, record = held_jobs(token, numbers)

for _, job in pairs(held) do
  expect_type(is_dead and DEAD_LETTER .. job.row[2] or WAITING .. job.row[2], 'list')
end

-- The records go last: where a user may not run one of these commands, a job comes back twice at worst.
allow_writes()
local jobs = {}
for _, number in ipairs(numbers) do
  local job = held[number]
  if job and is_dead and not job.is_dead then
    job.is_dead = true
    bury(job, reason, now, ms > 0 and math.min(now + ms, LAST_MS) or '')
  elseif job and not is_dead and not job.is_retried then
    job.is_retried = true
    local row, due = job.row, math.min(now + ms, LAST_MS)
    local ttl = ttl_of(row)
    if row[5] ~= '' then
      local lifetime = ttl ~= '' and ttl or math.max(1, row[5] - (job.since or now))
      row[5] = math.min(due + lifetime, LAST_MS)
    end
    row[4], row[7], row[8] = due, due / 1000, ttl
    -- If it has to wait for another job of its id, its lifetime stands still from its new due time on.
    job.since = due
    jobs[#jobs + 1] = job
  end
end
local done = bring_back(jobs, now)
forget_jobs(token, record, held)
wake_if_next(channel, done.due, done.id, now)
return answer_held(numbers, held, false, 0)
