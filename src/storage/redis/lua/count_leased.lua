-- Counts a part of the leases by topic.
-- include: keys, time, due, bounds, lease
-- ARGV: first rank
-- Answers: requests looked at (0 at the end), then for each: topic, jobs
expect_type(RESERVED, 'zset')
local MOST_REQUESTS, MOST_JOBS = 200, 500
local first, looked_at, jobs, bytes, answer = tonumber(ARGV[1]), 0, 0, 0, { 0 }
for _, token in ipairs(redis.call('ZRANGE', RESERVED, first, first + MOST_REQUESTS - 1)) do
  local topic, rows = load_request(token)
  if topic then
    answer[#answer + 1] = topic
    answer[#answer + 1] = #rows
  end
  looked_at, jobs, bytes = looked_at + 1, jobs + #(rows or {}), bytes + bytes_of(token)
  if jobs >= MOST_JOBS or bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
