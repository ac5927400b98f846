-- Looks at some jobs of the pool at random, one perhaps twice.
-- include: keys, time
-- ARGV: how many
-- Answers: how many were looked at, then for each topic: topic, delayed, due; a job without a body is in none
expect_type(POOL, 'zset')
local now, topics, delayed, due = now_ms(), {}, {}, {}
local picked = redis.call('ZRANDMEMBER', POOL, -tonumber(ARGV[1]), 'WITHSCORES')
for i = 1, #picked, 2 do
  local topic = read('HGET', BUCKET .. picked[i], 'topic')
  if topic then
    if not delayed[topic] then
      topics[#topics + 1] = topic
      delayed[topic], due[topic] = 0, 0
    end
    local counts = from_score(picked[i + 1]) > now and delayed or due
    counts[topic] = counts[topic] + 1
  end
end
local answer = { #picked / 2 }
for _, topic in ipairs(topics) do
  answer[#answer + 1] = topic
  answer[#answer + 1] = delayed[topic]
  answer[#answer + 1] = due[topic]
end
return answer
