-- Reads a part of the leases, and of the jobs that wait for another one of their id, in order of deadline.
-- include: keys, time, bounds, record, waiting
-- ARGV: first rank, topic or '' for all
-- Answers: records looked at (0 at the end), then for each job: its record's name, deadline in ms, jobs
--   and first deadline of its reservation (or 1 and 0), when it was taken in ms or 0, topic, number, id, body,
--   due ms or '', expiry ms or '', attempts, extras or '', who holds it or ''
expect_type(RESERVED, 'zset')
local first, only_topic = tonumber(ARGV[1]), ARGV[2]
-- A record holds as many jobs as one reservation gives; a few of them are enough for one run.
local MOST_RECORDS, MOST_JOBS = 200, 500
local names = redis.call('ZRANGE', RESERVED, first, first + MOST_RECORDS - 1, 'WITHSCORES')
local answer, looked_at, jobs, bytes = { 0 }, 0, 0, 0
for i = 1, #names, 2 do
  local name, deadline = names[i], from_score(names[i + 1])
  local found = jobs_of(name)
  for _, job in ipairs(found) do
    if only_topic == '' or job.topic == only_topic then add_leased(answer, job, name, deadline) end
  end
  looked_at, jobs, bytes = looked_at + 1, jobs + #found, bytes + bytes_of(name)
  if jobs >= MOST_JOBS or bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
