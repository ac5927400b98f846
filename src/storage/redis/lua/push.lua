-- Adds jobs, each by itself.
-- include: keys, time, note, schedule, bounds, wake
-- ARGV: on existing (refuse, replace or keep), wake channel, msgpack of the jobs, then large bodies
--   for each job: id, topic, body or where it is in ARGV, due (a delay in ms as a number, or a time in ms
--   as text), expiry (ms after the due time as a number, or a time in ms as text)
-- Answers: outcome (its place in OUTCOMES, scripts/push.ts) and due time in ms (-1 when unknown) for each job
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')

local on_existing, channel, jobs, now = ARGV[1], ARGV[2], cmsgpack.unpack(ARGV[3]), now_ms()

local call = redis.call

-- Notes of jobs that became ready: one that has expired since still stands in its ready list.
local ids = {}
for i = 1, #jobs, 5 do ids[#ids + 1] = jobs[i] end
local notes = call('HMGET', READY_DUE, unpack(ids))

local answers, scores, due_of, earliest, earliest_id = {}, {}, {}, math.huge, nil

-- Answers an outcome, and for a job that is added the topic of the ready list where an entry of its id
-- may stand.
local function outcome_for(id, bucket, topic, body, note)
  -- A string, false when there is none, or a table with an error when the key is no hash.
  local found = redis.pcall('HGET', bucket, 'topic')
  if not found then return 'pushed', noted_topic(note) end
  if type(found) == 'table' then return 'blocked' end
  local ready = not due_of[id] and not call('ZSCORE', POOL, id)
  if on_existing == 'replace' then return 'replaced', ready and found end
  -- A client that died between RPOP and DEL has left the bucket behind: that is no job.
  if ready and not is_in_ready_list(id, found) then return 'pushed', found end
  if found == topic and call('HGET', bucket, 'body') == body then return 'repeated' end
  return on_existing == 'keep' and 'kept' or 'conflict'
end

local CODES = { pushed = 0, replaced = 1, repeated = 2, kept = 3, conflict = 4, blocked = 5 }
for i = 1, #jobs, 5 do
  local id, topic, body, due, expiry = jobs[i], jobs[i + 1], jobs[i + 2], jobs[i + 3], jobs[i + 4]
  if type(body) == 'number' then body = ARGV[body] end
  local bucket, note = BUCKET .. id, notes[(i + 4) / 5]
  local outcome, old_topic = outcome_for(id, bucket, topic, body, note)
  if outcome == 'pushed' or outcome == 'replaced' then
    due = type(due) == 'number' and now + due or math.max(now, tonumber(due))
    -- The first write is one that Redis refuses when it is out of memory.
    call('HSET', bucket, 'topic', topic, 'body', body)
    call('PEXPIREAT', bucket, type(expiry) == 'number' and due + expiry or expiry)
    if outcome == 'replaced' or old_topic then call('HDEL', bucket, 'delayer') end
    -- An old entry would hand the new job to other clients before its time.
    if old_topic then leave_ready_list(id, old_topic) end
    if note then call('HDEL', READY_DUE, id) end
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
wake_if_next(channel, earliest, earliest_id, now)
return answers
