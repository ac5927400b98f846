-- Ends leases of one reservation, their jobs failed: delayed until the next try, or dead, as the failure, the jobs
-- themselves and the policy of the reservation say.
-- include: keys, time, extras, policy, note, memo, bounds, mark, known, entry, time_to_leave, record, schedule, line,
--   waiting, comeback, dead, wake
-- ARGV: dead whatever retries are left (0 or 1), ms until the next try or '', how long a dead letter is kept in ms
--   (0: for ever) or '', jitter from -1 to 1, how much of a pause that is at most, the policy where the
--   reservation has none (lib/policy.lua), exit code or '', signal or '', reason or '', wake channel, token, then
--   the numbers of the jobs
-- Answers: for each of the first numbers when its job is due again in ms, -1 where it is dead, or -2 where the lease
--   was not held. Fewer than were asked for where this run has no time for more.
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')
local must_die, delay, dead_ttl = ARGV[1] == '1', tonumber(ARGV[2]), tonumber(ARGV[3])
local jitter = tonumber(ARGV[4]) * tonumber(ARGV[5])
local exit_code, signal, reason = tonumber(ARGV[7]) or '', ARGV[8], ARGV[9]
local channel, token = ARGV[10], ARGV[11]
local now, numbers = now_ms(), numbers_from(12)
local held, record = held_jobs(token, numbers)
local fallback = read_policy(ARGV[6])

-- The same as pauseAfter and Math.round of the core.
local function pause_after(attempt, first, last)
  local pause = math.min(last, first * 2 ^ math.min(attempt - 1, 60)) * (1 + jitter)
  local whole = math.floor(pause)
  return pause - whole >= 0.5 and whole + 1 or whole
end

local function next_try(job)
  local _, first, last = own_settings(job)
  if not first then first, last = job.rules[2], job.rules[3] end
  return math.min(now + (delay or pause_after(job.row[6], first, last)), LAST_MS)
end

for _, job in pairs(held) do
  local policy = read_policy(job.policy)
  job.rules = policy or fallback
  job.is_dead = must_die or not has_retry_left(job, policy)
  job.next_try = next_try(job)
  expect_type((job.is_dead and DEAD_LETTER or WAITING) .. job.row[2], 'list')
end

local function retry(job)
  local row, due = job.row, job.next_try
  local ttl = ttl_of(row)
  if row[5] ~= '' then
    local lifetime = ttl ~= '' and ttl or math.max(1, row[5] - (job.since or now))
    row[5] = math.min(due + lifetime, LAST_MS)
  end
  row[4], row[7], row[8] = due, due / 1000, ttl
  -- If it has to wait for another job of its id, its lifetime stands still from its new due time on.
  job.since, job.is_retried = due, true
end

-- The records are deleted last: if an ACL forbids one of these commands, a job comes back twice at worst.
allow_writes()
local jobs, answer, done_jobs = {}, {}, {}
for i, number in ipairs(numbers) do
  local job = held[number]
  if not job or done_jobs[number] then
    answer[i] = -2
  elseif not job.is_dead and not has_time_to_leave(job.row[2], job.topic) then
    break
  else
    done_jobs[number] = job
    end_attempt(job, now, job.is_dead and 'dead' or 'retried', exit_code, signal, reason)
    answer[i] = job.is_dead and -1 or job.next_try
    if job.is_dead then
      bury(job, reason, now, delete_time(now, dead_ttl or job.rules[4]))
    else
      retry(job)
      jobs[#jobs + 1] = job
    end
  end
end
local done = bring_back(jobs, now)
forget_jobs(token, record, done_jobs)
if done.is_first then wake(channel, done.due) end
return answer
