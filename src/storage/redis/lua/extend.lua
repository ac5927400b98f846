-- Lets leases that are still held end later.
-- include: keys, time
-- ARGV: lease in ms, then the leases
-- Answers: for each its new deadline in ms, or -1 when it is no longer held
local deadline, answers = now_ms() + tonumber(ARGV[1]), {}
for i = 2, #ARGV do
  local held = redis.call('EXISTS', INFLIGHT .. ARGV[i]) == 1
  if held then redis.call('ZADD', RESERVED, 'XX', to_score(deadline), ARGV[i]) end
  answers[#answers + 1] = held and deadline or -1
end
return answers
