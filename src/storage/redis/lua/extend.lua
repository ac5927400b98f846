-- Lets the leases of one request end later.
-- include: keys, time, due, bounds, lease
-- ARGV: lease in ms, token, then the numbers of the jobs
-- Answers: for each its new deadline in ms, or -1 when it is no longer held
local deadline, token, answers = now_ms() + tonumber(ARGV[1]), ARGV[2], {}
expect_type(RESERVED, 'zset')
local topic, rows = load_request(token)
local held = {}
for _, row in ipairs(rows or {}) do held[row[1]] = true end
if topic then
  -- Removing comes first: Redis allows it when it is out of memory, and then what follows it.
  redis.call('ZREM', RESERVED, token)
  redis.call('ZADD', RESERVED, to_score(deadline), token)
end
for i = 3, #ARGV do
  answers[#answers + 1] = held[tonumber(ARGV[i])] and deadline or -1
end
return answers
