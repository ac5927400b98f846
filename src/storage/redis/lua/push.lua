-- Takes jobs in, each by itself.
-- include: keys, time, due, schedule, bounds
-- ARGV: on existing (refuse, replace or keep), wake channel, msgpack of the jobs, then large bodies
--   for each job: id, topic, body or where it is in ARGV, due (a delay in ms as a number, or a time in ms
--   as text), expiry (ms after the due time as a number, or a time in ms as text)
-- Answers: outcome (its place in OUTCOMES, scripts.ts) and due time in ms (-1 when unknown) for each job
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')

local on_existing, channel, jobs, now = ARGV[1], ARGV[2], cmsgpack.unpack(ARGV[3]), now_ms()

local function outcome_for(bucket, topic, body)
  -- A string, false when there is none, or a table with an error when the key is no hash.
  local found = redis.pcall('HGET', bucket, 'topic')
  if not found then return 'pushed' end
  if type(found) == 'table' then return 'blocked' end
  if on_existing == 'replace' then return 'replaced', found end
  if found == topic and redis.call('HGET', bucket, 'body') == body then return 'repeated' end
  return on_existing == 'keep' and 'kept' or 'conflict'
end

local CODES = { pushed = 0, replaced = 1, repeated = 2, kept = 3, conflict = 4, blocked = 5 }
local call = redis.call
local answers, scores, due_of, earliest, earliest_id = {}, {}, {}, math.huge, nil
for i = 1, #jobs, 5 do
  local id, topic, body, due, expiry = jobs[i], jobs[i + 1], jobs[i + 2], jobs[i + 3], jobs[i + 4]
  if type(body) == 'number' then body = ARGV[body] end
  local bucket = BUCKET .. id
  local outcome, old_topic = outcome_for(bucket, topic, body)
  if outcome == 'pushed' or outcome == 'replaced' then
    due = type(due) == 'number' and now + due or math.max(now, tonumber(due))
    if outcome == 'replaced' then
      if not call('ZSCORE', POOL, id) then leave_ready_list(id, old_topic) end
      call('HDEL', bucket, 'attempts')
    end
    call('HSET', bucket, 'topic', topic, 'body', body)
    call('PEXPIREAT', bucket, type(expiry) == 'number' and due + expiry or expiry)
    scores[#scores + 1] = score_in_order(due)
    scores[#scores + 1] = id
    due_of[id] = due
    if due < earliest then earliest, earliest_id = due, id end
  else
    local score = call('ZSCORE', POOL, id)
    due = due_of[id] or score and from_score(score)
      or tonumber(noted_due(call('HGET', READY_DUE, id), expiry_of(bucket, now))) or -1
  end
  answers[#answers + 1] = CODES[outcome]
  answers[#answers + 1] = due
end
if #scores > 0 then redis.call('ZADD', POOL, unpack(scores)) end

-- Whoever waits for the next due time has to know of an earlier one. A user who may not publish loses
-- no more than the early wake.
if earliest_id and redis.call('ZRANGE', POOL, 0, 0)[1] == earliest_id then
  redis.pcall('PUBLISH', channel, string.format('%d', earliest))
end
return answers
