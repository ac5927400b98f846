-- Counts a part of the pool by topic, in order of due time.
-- include: keys, time, page, topics_of
-- ARGV: score and id of the last job counted before ('' and '' for none), how many to look at, 1 to take a job that
--   has a topic for whole, a time in ms beyond which jobs are counted apart or ''
-- Answers: score and id of the last one looked at ('' and '' at the end), how many were looked at, how many µs that
--   took, an array of the jobs without a body, for each id and what stands in its place (none, expired where it is due
--   as well, hash where it is incomplete, or another type), then for each topic: topic, delayed, due, expired, earliest
--   due time in ms of those that have not expired or -1, delayed beyond that time
expect_type(POOL, 'zset')
local began = now_us()
local now = math.floor(began / 1000)
local is_plain = ARGV[4] == '1'
local first = rank_behind(POOL, ARGV[1], ARGV[2])
local count = math.max(0, math.min(tonumber(ARGV[3]), redis.call('ZCARD', POOL) - first))

-- The ids are rarely needed. Scores are read one by one, because returning them takes as long as reading a topic.
local ids
local function read_ids()
  ids = ids or redis.call('ZRANGE', POOL, first, first + count - 1)
  return ids
end

local topic_of = topics_of(POOL, first, count, read_ids)
local bodiless, topics, counts = {}, {}, {}

local function counts_of(topic)
  if not counts[topic] then
    counts[topic] = { delayed = 0, due = 0, expired = 0, first = -1, beyond = 0 }
    topics[#topics + 1] = topic
  end
  return counts[topic]
end

-- Jobs that nobody can be given are taken out first, so that the rest can be counted by topic.
local function take_out(i, is_due)
  local id, topic = read_ids()[i], topic_of[i]
  local bucket = BUCKET .. id
  if type(topic) ~= 'string' or redis.call('HEXISTS', bucket, 'body') == 0 then
    local found = type_of(bucket)
    bodiless[#bodiless + 1] = id
    bodiless[#bodiless + 1] = found == 'none' and is_due and 'expired' or found
    topic_of[i] = false
  elseif is_due and is_expired(expiry_of(bucket), now) then
    counts_of(topic).expired = counts_of(topic).expired + 1
    topic_of[i] = false
  end
end

local function due_time_at(i)
  return from_score(redis.call('ZRANGE', POOL, first + i - 1, first + i - 1, 'WITHSCORES')[2])
end

-- Counts the jobs between two places of the part, all of which are in one state.
local function count_between(from, to, state)
  local found, first_of = {}, {}
  for i = from, to do
    local topic = topic_of[i]
    local before = found[topic]
    if before then
      found[topic] = before + 1
    else
      found[topic], first_of[topic] = 1, i
    end
  end
  found[false] = nil
  for topic, jobs in pairs(found) do
    local of_topic = counts_of(topic)
    of_topic[state] = of_topic[state] + jobs
    if of_topic.first < 0 then of_topic.first = due_time_at(first_of[topic]) end
  end
end

-- The place in this part of the last job that is due by then; the pool is in order of due time.
local function place_by(ms)
  return math.max(0, math.min(count, redis.call('ZCOUNT', POOL, '-inf', due_by(ms)) - first))
end

local due = place_by(now)
local near = ARGV[5] == '' and count or math.max(due, place_by(tonumber(ARGV[5])))
for i = 1, count do
  if not is_plain or type(topic_of[i]) ~= 'string' then take_out(i, i <= due) end
end
count_between(1, due, 'due')
count_between(due + 1, near, 'delayed')
count_between(near + 1, count, 'beyond')

local last = count > 0 and first + count < redis.call('ZCARD', POOL)
  and redis.call('ZRANGE', POOL, first + count - 1, first + count - 1, 'WITHSCORES') or { '', '' }
local answer = { last[2], last[1], count, now_us() - began, bodiless }
for _, topic in ipairs(topics) do
  local of_topic = counts[topic]
  local delayed = of_topic.delayed + of_topic.beyond
  for _, value in ipairs({ topic, delayed, of_topic.due, of_topic.expired, of_topic.first, of_topic.beyond }) do
    answer[#answer + 1] = value
  end
end
return answer
