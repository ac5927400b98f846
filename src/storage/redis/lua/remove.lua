-- Removes jobs by id.
-- include: keys, time, due, bounds
-- ARGV: scope (delayed or any), then the ids
-- Answers: removed (0 or 1) and what the job was (delayed, due, ready, dead or none) for each id
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')

local scope, now, answers = ARGV[1], now_ms(), {}

local function state_of(score, topic)
  if score then
    local due = from_score(score)
    if due > now then return 'delayed' end
    return topic and 'due' or 'dead'
  end
  return topic and 'ready' or 'none'
end

-- A job that died while it was ready has left no more than its place in a list, and its note.
local function topic_of_dead(id)
  local topic = noted_topic(redis.call('HGET', READY_DUE, id))
  return topic and is_in_ready_list(id, topic) and topic
end

for i = 2, #ARGV do
  local id = ARGV[i]
  local bucket, score = BUCKET .. id, redis.call('ZSCORE', POOL, id)
  local job = fields(bucket, 'topic')
  local topic = job and job[1]
  local state = state_of(score, topic)
  local dead_topic = state == 'none' and topic_of_dead(id)
  if dead_topic then state = 'dead' end
  local remove = state == 'delayed' or (scope == 'any' and state ~= 'none')
  if remove then
    redis.call('ZREM', POOL, id)
    if topic then redis.call('UNLINK', bucket) end
    redis.call('HDEL', READY_DUE, id)
    if dead_topic or state == 'ready' then leave_ready_list(id, dead_topic or topic) end
  end
  answers[#answers + 1] = remove and 1 or 0
  answers[#answers + 1] = state
end
return answers
