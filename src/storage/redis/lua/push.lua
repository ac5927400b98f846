-- Adds jobs, each by itself, up to the first that needs to know more of a ready list than one run can find out.
-- include: keys, time, note, schedule, bounds, known, holes, clear, wake
-- ARGV: on existing (refuse, replace or keep), wake channel, msgpack of what clear_entries.lua has found: for each
--   topic, id and the index of its entry from the left or -1; msgpack of the jobs, then large bodies
--   for each job: id, topic, body or where it is in ARGV, due (a delay in ms as a number, or a time in ms
--   as text), expiry (ms after the due time as a number, or a time in ms as text)
-- Answers: the topic of the list that was not looked through, or ''; then for each job that was dealt with its
--   outcome (its place in OUTCOMES, scripts/push.ts) and due time in ms (-1 when unknown)
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')

local on_existing, channel, jobs, now = ARGV[1], ARGV[2], cmsgpack.unpack(ARGV[4]), now_ms()

local call = redis.call

local cleared = read_cleared(ARGV[3])

-- Notes of jobs that became ready: one that has expired since still stands in its ready list.
local ids = {}
for i = 1, #jobs, 5 do ids[#ids + 1] = jobs[i] end
local notes = call('HMGET', READY_DUE, unpack(ids))

local lists = {}
local function list_of(topic)
  lists[topic] = lists[topic] or look_at_list(topic, #ids, cleared[topic])
  return lists[topic]
end

local answers, scores, due_of, earliest, earliest_id = { '' }, {}, {}, math.huge, nil

-- Answers an outcome and the topic in the bucket of that id; or nothing, and the topic of a ready list that
-- would have to be looked through.
local function outcome_for(id, bucket, topic, body, noted)
  -- A string, false when there is none, or a table with an error when the key is no hash.
  local found = redis.pcall('HGET', bucket, 'topic')
  if type(found) == 'table' then return 'blocked' end
  if not found or is_expired(expiry_of(bucket), now) then return 'pushed', found or nil end
  if on_existing == 'replace' then return 'replaced', found end
  if not due_of[id] and not call('ZSCORE', POOL, id) then
    -- A client that died between RPOP and DEL has left the bucket behind: that is no job.
    local stands = stands_in(list_of(found), id, noted == found)
    if stands == nil then return nil, found end
    if not stands then return 'pushed', found end
  end
  if found == topic and call('HGET', bucket, 'body') == body then return 'repeated' end
  return on_existing == 'keep' and 'kept' or 'conflict'
end

-- The lists in which an old entry of the id may stand: mostly none.
local NONE = {}
local function old_lists(noted, topic, found)
  local list = list_of(topic)
  if list.entries == 0 and not noted and (not found or found == topic) then return NONE end
  local old = { list }
  if noted and noted ~= topic then old[#old + 1] = list_of(noted) end
  if found and found ~= noted and found ~= topic then old[#old + 1] = list_of(found) end
  return old
end

local function topic_of_unclear(old, id, noted)
  for _, list in ipairs(old) do
    if not can_leave(list, id, list.topic == noted) then return list.topic end
  end
end

local CODES = { pushed = 0, replaced = 1, repeated = 2, kept = 3, conflict = 4, blocked = 5 }
for i = 1, #jobs, 5 do
  local id, topic, body, due, expiry = jobs[i], jobs[i + 1], jobs[i + 2], jobs[i + 3], jobs[i + 4]
  if type(body) == 'number' then body = ARGV[body] end
  local bucket, note = BUCKET .. id, notes[(i + 4) / 5]
  local noted = note and noted_topic(note) or nil
  local outcome, found = outcome_for(id, bucket, topic, body, noted)
  local is_added = outcome == 'pushed' or outcome == 'replaced'
  local old = is_added and old_lists(noted, topic, found) or NONE
  local unclear = not outcome and found or (old ~= NONE and topic_of_unclear(old, id, noted))
  if unclear then
    answers[1] = unclear
    break
  end
  if is_added then
    due = type(due) == 'number' and now + due or math.max(now, tonumber(due))
    -- The first write is one that Redis refuses when it is out of memory. What takes something away follows.
    call('HSET', bucket, 'topic', topic, 'body', body)
    call('PEXPIREAT', bucket, type(expiry) == 'number' and due + expiry or expiry)
    if old ~= NONE then
      for _, list in ipairs(old) do leave_list(list, id, list.topic == noted) end
    end
    if found then call('HDEL', bucket, 'delayer') end
    if note then call('HDEL', READY_DUE, id) end
    scores[#scores + 1] = score_in_order(due)
    scores[#scores + 1] = id
    due_of[id] = due
    if due < earliest then earliest, earliest_id = due, id end
  else
    local score = call('ZSCORE', POOL, id)
    due = due_of[id] or score and from_score(score)
      or tonumber(noted_due(call('HGET', READY_DUE, id), expiry_of(bucket))) or -1
  end
  answers[#answers + 1] = CODES[outcome]
  answers[#answers + 1] = due
end
if #scores > 0 then redis.call('ZADD', POOL, unpack(scores)) end
wake_if_next(channel, earliest, earliest_id, now)
return answers
