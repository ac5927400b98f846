-- Counts a part of the pool by topic, in order of due time.
-- include: keys, time, page
-- ARGV: score and id of the last job counted before ('' and '' for none), how many to look at
-- Answers: score and id of the last one looked at ('' and '' at the end), an array of the jobs without a
--   body, for each id and what stands in its place (none, hash where it is incomplete, or another type),
--   then for each topic: topic, delayed, due, expired, earliest due time in ms of those
--   that have not expired or -1
expect_type(POOL, 'zset')
local limit, now = tonumber(ARGV[3]), now_ms()
local entries = page_of(POOL, ARGV[1], ARGV[2], limit)
local bodiless, topics, counts = {}, {}, {}
-- Mostly all of them are delayed, and then a look at the first one tells.
local all_delayed = #entries > 0 and from_score(entries[2]) > now
for i = 1, #entries, 2 do
  local bucket = BUCKET .. entries[i]
  -- A string, false when there is none, or a table with an error when the key is no hash.
  local topic = redis.pcall('HGET', bucket, 'topic')
  if type(topic) == 'string' and redis.call('HEXISTS', bucket, 'body') == 1 then
    local count = counts[topic]
    if not count then
      count = { delayed = 0, due = 0, expired = 0, first = -1 }
      counts[topic] = count
      topics[#topics + 1] = topic
    end
    local state = 'due'
    if all_delayed or from_score(entries[i + 1]) > now then
      state = 'delayed'
    elseif is_expired(expiry_of(bucket), now) then
      state = 'expired'
    end
    count[state] = count[state] + 1
    if state ~= 'expired' and count.first < 0 then count.first = from_score(entries[i + 1]) end
  else
    bodiless[#bodiless + 1] = entries[i]
    bodiless[#bodiless + 1] = type_of(bucket)
  end
end
local at_end = #entries < 2 * limit
local answer = { at_end and '' or entries[#entries], at_end and '' or entries[#entries - 1] }
answer[3] = bodiless
for _, topic in ipairs(topics) do
  local count = counts[topic]
  for _, value in ipairs({ topic, count.delayed, count.due, count.expired, count.first }) do
    answer[#answer + 1] = value
  end
end
return answer
