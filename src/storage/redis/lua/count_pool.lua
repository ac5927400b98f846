-- Counts a part of the pool by topic, in order of due time.
-- include: keys, time, page
-- ARGV: score and id of the last job counted before ('' and '' for none), how many to look at
-- Answers: score and id of the last one looked at ('' and '' at the end), jobs without a body, jobs with
--   a bucket of a wrong type, then for each topic: topic, delayed, due, earliest due time in ms
expect_type(POOL, 'zset')
local limit, now = tonumber(ARGV[3]), now_ms()
local entries = pool_page(ARGV[1], ARGV[2], limit)
local bodiless, wrong, topics, counts = 0, 0, {}, {}
-- Mostly all of them are delayed, and then a look at the first one tells.
local all_delayed = #entries > 0 and from_score(entries[2]) > now
for i = 1, #entries, 2 do
  -- A string, false when there is none, or a table with an error when the key is no hash.
  local topic = redis.pcall('HGET', BUCKET .. entries[i], 'topic')
  if type(topic) == 'string' then
    local count = counts[topic]
    if not count then
      count = { delayed = 0, due = 0, first = from_score(entries[i + 1]) }
      counts[topic] = count
      topics[#topics + 1] = topic
    end
    local state = (all_delayed or from_score(entries[i + 1]) > now) and 'delayed' or 'due'
    count[state] = count[state] + 1
  elseif not topic then
    bodiless = bodiless + 1
  else
    wrong = wrong + 1
  end
end
local at_end = #entries < 2 * limit
local answer = { at_end and '' or entries[#entries], at_end and '' or entries[#entries - 1], bodiless, wrong }
for _, topic in ipairs(topics) do
  local count = counts[topic]
  for _, value in ipairs({ topic, count.delayed, count.due, count.first }) do answer[#answer + 1] = value end
end
return answer
