-- Removes jobs by id.
-- include: keys, time, bounds
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

for i = 2, #ARGV do
  local id = ARGV[i]
  local bucket, score = BUCKET .. id, redis.call('ZSCORE', POOL, id)
  local job = fields(bucket, 'topic')
  local topic = job and job[1]
  local state = state_of(score, topic)
  local remove = state == 'delayed' or (scope == 'any' and state ~= 'none')
  if remove then
    redis.call('ZREM', POOL, id)
    if topic then
      redis.call('UNLINK', bucket)
      redis.call('HDEL', READY_DUE, id)
    end
    if state == 'ready' then leave_ready_list(id, topic) end
  end
  answers[#answers + 1] = remove and 1 or 0
  answers[#answers + 1] = state
end
return answers
