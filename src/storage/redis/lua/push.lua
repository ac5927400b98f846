-- Adds jobs, each by itself, up to the first that needs to know more of a ready list than one run can find out.
-- include: keys, time, note, memo, schedule, bounds, known, holes, clear, admit, wake, topics
-- ARGV: on existing (refuse, replace or keep), wake channel, msgpack of what clear_entries.lua has found: for each
--   topic, id and the index of its entry from the left or -1; msgpack of the jobs; '' or msgpack of the own retry
--   settings of some: where the job begins in the array of jobs, retries or '', first and last pause of the backoff
--   or ''; then large bodies
--   for each job: id, topic, body or where it is in ARGV, due (a delay in ms as a number, or a time in ms
--   as text), expiry (ms after the due time as a number, or a time in ms as text)
-- Answers: the topic of the list that was not looked through, or ''; then for each job that was dealt with its
--   outcome (its place in OUTCOMES, scripts/push.ts) and due time in ms (-1 when unknown)
expect_type(POOL, 'zset')
local any_notes = look('hash', 'HLEN', READY_DUE) > 0

local on_existing, channel, jobs, now = ARGV[1], ARGV[2], cmsgpack.unpack(ARGV[4]), now_ms()

local call = redis.call

local cleared = read_cleared(ARGV[3])

local ids, buckets = {}, {}
for i = 1, #jobs, 5 do
  ids[#ids + 1] = jobs[i]
  buckets[#buckets + 1] = BUCKET .. jobs[i]
end

-- What delayer keeps of jobs that have retry settings of their own, by where they begin.
local extras_of, owns = {}, ARGV[5] ~= '' and cmsgpack.unpack(ARGV[5]) or {}
for i = 1, #owns, 4 do extras_of[owns[i]] = cmsgpack.pack({ '', owns[i + 1], owns[i + 2], owns[i + 3], '' }) end

-- Notes of jobs that became ready: one that has expired since still stands in its ready list.
local notes = any_notes and call('HMGET', READY_DUE, unpack(ids)) or {}
-- Mostly no id has a bucket: one command tells so of all of them.
local are_new = call('EXISTS', unpack(buckets)) == 0

local due_of = {}
local run = { on_existing = on_existing, now = now, jobs = #ids, cleared = cleared, lists = {}, due_of = due_of }
local lists = run.lists
local answers, scores, earliest, earliest_id = { '' }, {}, math.huge, nil

-- The first write is one that Redis refuses when it is out of memory. What takes something away follows.
local function add(id, bucket, topic, body, due, expiry)
  call('HSET', bucket, 'topic', topic, 'body', body)
  call('PEXPIREAT', bucket, type(expiry) == 'number' and to_text(due + expiry) or expiry)
  local n = #scores
  scores[n + 1], scores[n + 2] = score_in_order(due), id
  due_of[id] = due
  if due < earliest then earliest, earliest_id = due, id end
end

local function keep_settings(bucket, topic, body, due, extras)
  call('HSET', bucket, 'delayer', write_memo(0, '', due, expiry_of(bucket), topic, body, extras))
end

-- Adds or answers a job of which something may be there already. Answers its outcome and due time; or false and
-- the topic of a ready list that would have to be looked through.
local function push_with_care(id, bucket, note, topic, body, due, expiry)
  local outcome, before = look_ahead(run, id, bucket, note, topic, body)
  if not outcome then return false, before end
  if not before then
    local score = call('ZSCORE', POOL, id)
    local known = due_of[id] or score and from_score(score)
      or tonumber(noted_due(call('HGET', READY_DUE, id), written_expiry_of(bucket)))
    return outcome, known or -1
  end
  add(id, bucket, topic, body, due, expiry)
  clear_away(id, bucket, before)
  return outcome, due
end

local CODES = { pushed = 0, replaced = 1, repeated = 2, kept = 3, conflict = 4, blocked = 5 }
local a = 1
for i = 1, #jobs, 5 do
  local n = (i + 4) / 5
  local id, topic, body, due, expiry = jobs[i], jobs[i + 1], jobs[i + 2], jobs[i + 3], jobs[i + 4]
  if type(body) == 'number' then body = ARGV[body] end
  due = type(due) == 'number' and now + due or math.max(now, tonumber(due))
  local bucket, note, list = buckets[n], notes[n], lists[topic] or list_of(run, topic)
  if are_new and list.is_clear and not note and not due_of[id] then
    add(id, bucket, topic, body, due, expiry)
    if extras_of[i] then keep_settings(bucket, topic, body, due, extras_of[i]) end
    answers[a + 1], answers[a + 2] = 0, due
  else
    local outcome, detail = push_with_care(id, bucket, note, topic, body, due, expiry)
    if not outcome then
      answers[1] = detail
      break
    end
    if extras_of[i] and (outcome == 'pushed' or outcome == 'replaced') then
      keep_settings(bucket, topic, body, detail, extras_of[i])
    end
    answers[a + 1], answers[a + 2] = CODES[outcome], detail
  end
  a = a + 2
end
if #scores > 0 then
  redis.call('ZADD', POOL, unpack(scores))
  local topics = {}
  for topic in pairs(lists) do topics[#topics + 1] = topic end
  see_topics(topics, now)
end
wake_if_next(channel, earliest, earliest_id, now)
return answers
