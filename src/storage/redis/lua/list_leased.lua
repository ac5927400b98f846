-- Reads a part of the leases, and of the jobs that wait for another one of their id, in order of deadline.
-- include: keys, time, bounds, record, waiting, page
-- ARGV: topic or '' for all, score and name of the last record before ('' and '' for the beginning)
-- Answers: score and name of the last record looked at ('' and '' at the end), then for each job: its record's name,
--   deadline in ms, jobs and first deadline of its reservation (or 1 and 0), when it was taken in ms or 0, topic,
--   number, id, body, due ms or '', expiry ms or '', attempts, ready lifetime in ms or '', extras or '', who holds it
--   or ''
expect_type(RESERVED, 'zset')
local only_topic = ARGV[1]
-- A record holds as many jobs as one reservation, so a few records are enough for one run.
local MOST_RECORDS, MOST_JOBS = 200, 500
local names = page_of(RESERVED, ARGV[2], ARGV[3], MOST_RECORDS)
local answer, jobs, bytes = { '', '' }, 0, 0
for i = 1, #names, 2 do
  local name, deadline = names[i], from_score(names[i + 1])
  local found = jobs_of(name)
  for _, job in ipairs(found) do
    if only_topic == '' or job.topic == only_topic then add_leased(answer, job, name, deadline) end
  end
  jobs, bytes = jobs + #found, bytes + bytes_of(name)
  local is_last = i == #names - 1
  if is_last and #names < 2 * MOST_RECORDS then break end
  if is_last or jobs >= MOST_JOBS or bytes > MOST_BYTES then
    answer[1], answer[2] = names[i + 1], name
    break
  end
end
return answer
