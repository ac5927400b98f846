-- Takes jobs in, each by itself.
-- include: keys, time, due, schedule
-- ARGV: on existing (refuse, replace or keep), wake channel, msgpack of the jobs, then large bodies
--   for each job: id, topic, body or where it is in ARGV, due (a delay in ms, or @ and a time in ms),
--   expiry (ms after the due time, or @ and a time in ms)
-- Answers: outcome and due time in ms (-1 when unknown) for each job
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')

-- LREM walks the list; in a longer one the entry stays behind, and take passes over it.
local LONGEST_LREM = 20000

local on_existing, channel, jobs, now = ARGV[1], ARGV[2], cmsgpack.unpack(ARGV[3]), now_ms()

-- A time in ms: `@` and the time itself, or so many ms after `from`.
local function moment(text, from)
  if string.sub(text, 1, 1) == '@' then return tonumber(string.sub(text, 2)) end
  return from + tonumber(text)
end

local function outcome_for(id, topic, body)
  local job = fields(BUCKET .. id, 'topic', 'body')
  if not job then return 'blocked' end
  if not job[1] then return 'pushed' end
  if on_existing == 'replace' then return 'replaced', job[1] end
  if job[1] == topic and job[2] == body then return 'repeated' end
  return on_existing == 'keep' and 'kept' or 'conflict'
end

local function leave_ready_list(id, topic)
  local ready = READY .. topic
  if not redis.call('ZSCORE', POOL, id) and type_of(ready) == 'list' and redis.call('LLEN', ready) <= LONGEST_LREM then
    redis.call('LREM', ready, -1, id)
  end
end

local answers, scores, due_of, earliest, earliest_id = {}, {}, {}, math.huge, nil
for i = 1, #jobs, 5 do
  local id, topic, body = jobs[i], jobs[i + 1], jobs[i + 2]
  if type(body) == 'number' then body = ARGV[body] end
  local outcome, old_topic = outcome_for(id, topic, body)
  local due
  if outcome == 'pushed' or outcome == 'replaced' then
    due = math.max(now, moment(jobs[i + 3], now))
    local bucket, score = BUCKET .. id, score_in_order(due)
    if outcome == 'replaced' then
      leave_ready_list(id, old_topic)
      redis.call('HDEL', bucket, 'attempts')
    end
    redis.call('HSET', bucket, 'topic', topic, 'body', body)
    redis.call('PEXPIREAT', bucket, moment(jobs[i + 4], due))
    scores[#scores + 1] = score
    scores[#scores + 1] = id
    due_of[id] = due
    if due < earliest then earliest, earliest_id = due, id end
  else
    local score = redis.call('ZSCORE', POOL, id)
    due = due_of[id] or score and from_score(score) or tonumber(noted_due(redis.call('HGET', READY_DUE, id), expiry_of(BUCKET .. id, now))) or -1
  end
  answers[#answers + 1] = outcome
  answers[#answers + 1] = due
end

if #scores > 0 then redis.call('ZADD', POOL, unpack(scores)) end

-- Whoever waits for the next due time has to know of an earlier one. A user who may not publish loses
-- no more than the early wake.
if earliest_id and redis.call('ZRANGE', POOL, 0, 0)[1] == earliest_id then
  redis.pcall('PUBLISH', channel, string.format('%d', earliest))
end
return answers
