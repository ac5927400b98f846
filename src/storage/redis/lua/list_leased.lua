-- Reads a part of the leases, in order of their deadline.
-- include: keys, time, due, bounds, lease
-- ARGV: first rank, topic or '' for all, id or '' for all
-- Answers: requests looked at (0 at the end), then for each job: lease, deadline in ms, id, topic, body,
--   due ms or '', expiry ms or '', attempts
expect_type(RESERVED, 'zset')
local first, only_topic, only_id = tonumber(ARGV[1]), ARGV[2], ARGV[3]
-- A request holds as many jobs as one take gives; a few of them are enough for one run.
local MOST_REQUESTS, MOST_JOBS = 200, 500
local requests = redis.call('ZRANGE', RESERVED, first, first + MOST_REQUESTS - 1, 'WITHSCORES')
local answer, looked_at, jobs, bytes = { 0 }, 0, 0, 0
for i = 1, #requests, 2 do
  local token, deadline = requests[i], from_score(requests[i + 1])
  local topic, rows = load_request(token)
  for _, row in ipairs(topic and (only_topic == '' or topic == only_topic) and rows or {}) do
    if only_id == '' or row[2] == only_id then
      local lease = { token .. '.' .. row[1], deadline, row[2], topic, row[3], row[4], row[5], row[6] }
      for _, value in ipairs(lease) do answer[#answer + 1] = value end
    end
  end
  looked_at, jobs, bytes = looked_at + 1, jobs + #(rows or {}), bytes + bytes_of(token)
  if jobs >= MOST_JOBS or bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
