-- Counts a part of the pool by topic, in order of due time.
-- include: keys, time, page, topics_of
-- ARGV: score and id of the last job counted before ('' and '' for none), how many to look at, 1 to take a job that
--   has a topic for whole, a time in ms beyond which jobs are counted apart or ''
-- Answers: score and id of the last one looked at ('' and '' at the end), how many were looked at, an array of the jobs
--   without a body, for each id and what stands in its place (none, hash where it is incomplete, or another type),
--   then for each topic: topic, delayed, due, expired, earliest due time in ms of those
--   that have not expired or -1, delayed beyond that time
expect_type(POOL, 'zset')
local limit, is_plain, now = tonumber(ARGV[3]), ARGV[4] == '1', now_ms()
local first = rank_behind(POOL, ARGV[1], ARGV[2])
-- Without their scores, which take as long to write as their topics to read. By rank it is known who is due.
local ids = redis.call('ZRANGE', POOL, first, first + limit - 1)
local due_ranks = redis.call('ZCOUNT', POOL, '-inf', due_by(now))
-- Jobs of the ranks up to this are not beyond.
local near_ranks = ARGV[5] == '' and redis.call('ZCARD', POOL)
  or redis.call('ZCOUNT', POOL, '-inf', due_by(tonumber(ARGV[5])))
local topic_of = topics_of(POOL, first, ids)
local bodiless, topics, counts = {}, {}, {}

local function counts_of(topic)
  if not counts[topic] then
    counts[topic] = { delayed = 0, due = 0, expired = 0, first = -1, beyond = 0 }
    topics[#topics + 1] = topic
  end
  return counts[topic]
end

for i, id in ipairs(ids) do
  local topic = topic_of[i]
  if type(topic) == 'string' and (is_plain or redis.call('HEXISTS', BUCKET .. id, 'body') == 1) then
    local count = counts_of(topic)
    local state = first + i <= due_ranks and 'due' or 'delayed'
    if state == 'due' and not is_plain and is_expired(expiry_of(BUCKET .. id), now) then state = 'expired' end
    count[state] = count[state] + 1
    if state == 'delayed' and first + i > near_ranks then count.beyond = count.beyond + 1 end
    if state ~= 'expired' and count.first < 0 then count.first = from_score(redis.call('ZSCORE', POOL, id)) end
  else
    bodiless[#bodiless + 1] = id
    bodiless[#bodiless + 1] = type_of(BUCKET .. id)
  end
end
local last = #ids == limit and ids[limit]
local answer = { last and redis.call('ZSCORE', POOL, last) or '', last or '', #ids, bodiless }
for _, topic in ipairs(topics) do
  local count = counts[topic]
  for _, value in ipairs({ topic, count.delayed, count.due, count.expired, count.first, count.beyond }) do
    answer[#answer + 1] = value
  end
end
return answer
