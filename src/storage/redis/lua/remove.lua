-- Removes jobs by id that are in one of the given states, and due when they are believed to be.
-- include: keys, time, note, bounds, record, waiting, dead
-- ARGV: msgpack of, for each job: id, the names of the states in which it may be removed, each with a space
--   before and after it, due time in ms or ''
-- Answers: removed (0 or 1) and what the job was (delayed, due, ready, expired, dead or none) for each
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')

local jobs, now, answers = cmsgpack.unpack(ARGV[1]), now_ms(), {}

local function state_of(id, score, topic)
  local is_over = topic and is_expired(expiry_of(BUCKET .. id, now), now)
  if score then
    local due = from_score(score)
    if due > now then return 'delayed', due end
    return (topic and not is_over) and 'due' or 'expired', due
  end
  if is_over then return 'expired' end
  return topic and 'ready' or 'none'
end

-- A job that expired while it was ready has left no more than its place in a list, and its note.
local function topic_of_expired(id)
  local topic = noted_topic(redis.call('HGET', READY_DUE, id))
  return topic and is_in_ready_list(id, topic) and topic
end

local function remove_living(id, topic, list_topic)
  redis.call('ZREM', POOL, id)
  if topic then redis.call('UNLINK', BUCKET .. id) end
  redis.call('HDEL', READY_DUE, id)
  if list_topic then leave_ready_list(id, list_topic) end
end

-- Jobs that wait for another one of their id are delayed. Answers how many there were.
local function remove_waiting(id, jobs_waiting, wanted_due)
  local gone, kept = {}, {}
  for _, job in ipairs(jobs_waiting) do
    local is_kept = wanted_due ~= '' and job.row[4] ~= wanted_due
    table.insert(is_kept and kept or gone, job)
  end
  if #gone > 0 then end_waiting(id, gone, #kept, now) end
  return #gone
end

for i = 1, #jobs, 3 do
  local id, states, wanted_due = jobs[i], jobs[i + 1], jobs[i + 2]
  local function may_remove(state) return string.find(states, ' ' .. state .. ' ', 1, true) ~= nil end

  local score, bucket_fields = redis.call('ZSCORE', POOL, id), fields(BUCKET .. id, 'topic')
  local topic = bucket_fields and bucket_fields[1]
  local state, due = state_of(id, score, topic)
  local expired_topic = state == 'none' and topic_of_expired(id)
  if expired_topic then state = 'expired' end
  local list_topic = expired_topic or (not score and topic)
  if not due and list_topic then
    local expires_at = topic and expiry_of(BUCKET .. id, now) or nil
    due = expires_at and noted_due(redis.call('HGET', READY_DUE, id), expires_at)
  end
  -- Before the first write: a record of a later version is refused.
  local jobs_waiting = may_remove('delayed') and waiting_jobs(id) or {}
  local letters = may_remove('dead') and wanted_due == '' and letters_of(id) or {}

  local removed = state ~= 'none' and may_remove(state) and (wanted_due == '' or due == wanted_due)
  if removed then remove_living(id, topic, list_topic) end

  local waiting = remove_waiting(id, jobs_waiting, wanted_due)
  if waiting > 0 and not removed then state, removed = 'delayed', true end

  local is_dead = redis.call('EXISTS', DEAD_LETTER .. id) == 1
  if #letters > 0 then
    delete_letters(id, letters, {})
    if state == 'none' then removed = true end
  end
  if is_dead and state == 'none' then state = 'dead' end
  answers[#answers + 1] = removed and 1 or 0
  answers[#answers + 1] = state
end
return answers
