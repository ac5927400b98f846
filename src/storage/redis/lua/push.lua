-- Adds jobs, each by itself, up to the first for which a long ready list has to be searched first.
-- include: keys, time, schedule, wake
-- ARGV: on existing (refuse, replace or keep; or keep_known, when the leases have been searched), wake channel,
--   msgpack of what clear_entries.lua has found: for each topic, id and the index of its entry from the left or -1;
--   msgpack of the jobs; '' or msgpack of the own retry settings of some: where the job begins in the array of jobs,
--   retries or '', first and last pause of the backoff or ''; then large bodies; with keep_known then msgpack of the
--   ids that are leased or wait, and of those that were queued when the search of the leases began
--   for each job: id, topic, body or where it is in ARGV, due (a delay in ms as a number, or a time in ms
--   as text), expiry (ms after the due time as a number, or a time in ms as text)
-- Answers: the topic of the list that was not looked through, or ''; then for each job that was dealt with its outcome
--   (its place in OUTCOMES, scripts/push.ts) and due time in ms (-1 when unknown). Or -1 when there are too many leases
--   to search them here, and the ids that are queued now; then nothing was done
local jobs, now, call = cmsgpack.unpack(ARGV[4]), now_ms(), redis.call
local scores, earliest, is_next = {}, math.huge, false

local function due_ms(due)
  return type(due) == 'number' and now + due or math.max(now, tonumber(due))
end

local function body_of(body)
  return type(body) == 'number' and ARGV[body] or body
end

-- The first write is one that Redis refuses when it is out of memory. Writes that delete come after it.
local function add(id, bucket, topic, body, due, expiry)
  local score, is_first = score_in_order(due, now)
  call('HSET', bucket, 'topic', topic, 'body', body)
  call('PEXPIREAT', bucket, type(expiry) == 'number' and to_text(due + expiry) or expiry)
  local n = #scores
  scores[n + 1], scores[n + 2] = score, id
  if due < earliest then earliest, is_next = due, is_first end
end

local function add_to_pool()
  if #scores > 0 then call('ZADD', POOL, unpack(scores)) end
  if is_next then wake(ARGV[2], earliest) end
end

-- Nearly every push is of one job without settings of its own, whose id does not exist, to a topic without ready
-- jobs. It needs nothing of what follows, and Redis makes each function anew at every run.
if #jobs == 5 and ARGV[1] ~= 'keep' and ARGV[1] ~= 'keep_known' and ARGV[3] == '' and ARGV[5] == '' then
  local id, topic, body, due, expiry = unpack(jobs)
  local bucket = BUCKET .. id
  if not look('hash', 'HGET', READY_DUE, id) and call('EXISTS', bucket) == 0 and read('LLEN', READY .. topic) == 0 then
    due = due_ms(due)
    add(id, bucket, topic, body_of(body), due, expiry)
    add_to_pool()
    return { '', 0, due }
  end
end

-- include: record, waiting, search, note, memo, bounds, mark, known, holes, clear, admit
expect_type(POOL, 'zset')
local on_existing, cleared = ARGV[1] == 'keep_known' and 'keep' or ARGV[1], read_cleared(ARGV[3])
local any_notes = look('hash', 'HLEN', READY_DUE) > 0

local ids, buckets = {}, {}
for i = 1, #jobs, 5 do
  ids[#ids + 1] = jobs[i]
  buckets[#buckets + 1] = BUCKET .. jobs[i]
end

-- Work in hand is not doubled: with keep, a job that is leased, or waits for another one of its id, keeps its id. Where
-- the search takes several steps, so does a job that was queued when it began and is gone by now: it may have been
-- leased behind the back of the search.
local is_away = {}

local function queued_ids()
  local queued = {}
  for i, id in ipairs(ids) do
    if type(redis.pcall('HGET', buckets[i], 'topic')) == 'string' then queued[#queued + 1] = id end
  end
  return queued
end

if ARGV[1] == 'keep_known' then
  for _, id in ipairs(cmsgpack.unpack(ARGV[#ARGV])) do is_away[id] = 'queued' end
  for _, id in ipairs(cmsgpack.unpack(ARGV[#ARGV - 1])) do is_away[id] = 'away' end
elseif ARGV[1] == 'keep' then
  expect_type(RESERVED, 'zset')
  local function note_away(job) is_away[job.row[2]] = 'away' end
  local names = call('ZRANGE', RESERVED, 0, MOST_RECORDS - 1, 'WITHSCORES')
  if search_records(names, ids, note_away) < call('ZCARD', RESERVED) then return { -1, unpack(queued_ids()) } end
  search_waiting(ids, note_away)
end

-- The extras of jobs that have retry settings of their own, by the position where these begin.
local extras_of, owns = {}, ARGV[5] ~= '' and cmsgpack.unpack(ARGV[5]) or {}
for i = 1, #owns, 4 do extras_of[owns[i]] = cmsgpack.pack({ '', owns[i + 1], owns[i + 2], owns[i + 3], '' }) end

-- Notes of jobs that became ready. A job that has expired since still has its entry in its ready list.
local notes = any_notes and call('HMGET', READY_DUE, unpack(ids)) or {}
-- Usually none of the ids has a bucket, and one command shows that for all of them.
local are_new = call('EXISTS', unpack(buckets)) == 0

local due_of = {}
local run = { on_existing = on_existing, now = now, jobs = #ids, cleared = cleared, lists = {}, due_of = due_of }
local lists, answers = run.lists, { '' }

local function keep_settings(bucket, topic, body, due, extras)
  call('HSET', bucket, 'delayer', write_memo(0, '', due, expiry_of(bucket), topic, body, extras))
end

-- Changes nothing, for no job has an empty id. A user who may not run these commands fails here, before the former job
-- of an id has left its place.
local has_rights = false
local function expect_rights()
  if has_rights then return end
  call('ZADD', POOL, 'XX', 'GT', '-inf', '')
  call('HDEL', READY_DUE, '')
  has_rights = true
end

-- Adds a job whose id may exist already. Answers its outcome and due time; or false and the topic of a ready list
-- that has to be searched first.
local function push_with_care(id, bucket, note, topic, body, due, expiry)
  local outcome, before = look_ahead(run, id, bucket, note, topic, body)
  if not outcome then return false, before end
  if not before then
    local score = call('ZSCORE', POOL, id)
    local known = due_of[id] or score and from_score(score)
      or tonumber(noted_due(call('HGET', READY_DUE, id), written_expiry_of(bucket)))
    return outcome, known or -1
  end
  local away = is_away[id]
  if away == 'away' or (away and not before.found) then return 'kept', -1 end
  expect_rights()
  add(id, bucket, topic, body, due, expiry)
  due_of[id] = due
  clear_away(id, bucket, before)
  return outcome, due
end

local CODES = { pushed = 0, replaced = 1, repeated = 2, kept = 3, conflict = 4, blocked = 5 }
local a = 1
for i = 1, #jobs, 5 do
  local n = (i + 4) / 5
  local id, topic, body, due, expiry = jobs[i], jobs[i + 1], jobs[i + 2], jobs[i + 3], jobs[i + 4]
  body, due = body_of(body), due_ms(due)
  local bucket, note, list = buckets[n], notes[n], lists[topic] or list_of(run, topic)
  if are_new and list.is_clear and not note and not due_of[id] and not is_away[id] then
    add(id, bucket, topic, body, due, expiry)
    due_of[id] = due
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
add_to_pool()
return answers
