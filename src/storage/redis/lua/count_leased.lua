-- Counts a part of the leases, and of the jobs that wait for another one of their id, by topic.
-- include: keys, time, bounds, record, waiting
-- ARGV: first rank
-- Answers: records looked at (0 at the end), an array of the keys of those that are gone, of a wrong type or
--   not written by any version, as a whole or in part, then for each topic of each: topic, leased, waiting
expect_type(RESERVED, 'zset')
local MOST_RECORDS, MOST_JOBS = 200, 500
local first, looked_at, jobs, bytes, gone = tonumber(ARGV[1]), 0, 0, 0, {}
local answer = { 0, gone }
for _, name in ipairs(redis.call('ZRANGE', RESERVED, first, first + MOST_RECORDS - 1)) do
  local id = waiting_id(name)
  local waits, counts, found = id or string.find(name, ':', 1, true), {}, 0
  for _, job in ipairs(jobs_of(name)) do
    counts[job.topic] = (counts[job.topic] or 0) + 1
    jobs, found = jobs + 1, found + 1
  end
  local is_flawed = found == 0 or (id and found < (read('LLEN', WAITING .. id) or 0))
  if is_flawed then gone[#gone + 1] = id and WAITING .. id or INFLIGHT .. name end
  for topic, count in pairs(counts) do
    answer[#answer + 1] = topic
    answer[#answer + 1] = waits and 0 or count
    answer[#answer + 1] = waits and count or 0
  end
  looked_at, bytes = looked_at + 1, bytes + bytes_of(name)
  if jobs >= MOST_JOBS or bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
