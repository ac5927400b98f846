-- Counts a part of the pool by topic.
-- include: keys, time
-- ARGV: cursor, how many to look at
-- Answers: next cursor, jobs without a body, jobs with a bucket of a wrong type, then for each topic:
--   topic, delayed, due, earliest due time in ms
local now = now_ms()
local scan = redis.call('ZSCAN', POOL, ARGV[1], 'COUNT', ARGV[2])
local bodiless, wrong, topics, counts = 0, 0, {}, {}
for i = 1, #scan[2], 2 do
  -- A string, false when there is none, or a table with an error when the key is no hash.
  local topic = redis.pcall('HGET', BUCKET .. scan[2][i], 'topic')
  local due = from_score(scan[2][i + 1])
  if type(topic) == 'string' then
    local count = counts[topic]
    if not count then
      count = { delayed = 0, due = 0, first = due }
      counts[topic] = count
      topics[#topics + 1] = topic
    end
    local state = due > now and 'delayed' or 'due'
    count[state] = count[state] + 1
    count.first = math.min(count.first, due)
  elseif not topic then
    bodiless = bodiless + 1
  else
    wrong = wrong + 1
  end
end
local answer = { scan[1], bodiless, wrong }
for _, topic in ipairs(topics) do
  local count = counts[topic]
  for _, value in ipairs({ topic, count.delayed, count.due, count.first }) do answer[#answer + 1] = value end
end
return answer
