-- Takes in jobs as they were in another store, each by itself, up to the first for which a long ready list has to be
-- searched first. Jobs that are due go to the pool as well, so that promotion puts them in order.
-- include: keys, time, note, memo, bounds, mark, known, holes, clear, admit, record, waiting, dead, letters, schedule,
--   wake
-- ARGV: on existing (refuse, replace or keep), wake channel, msgpack of what clear_entries.lua has found (push.lua) or
--   '', the line up to which the file is believed to be imported, and that up to which it is when all jobs are in, or
--   '' when the jobs are lines that were refused, for how long that is kept in ms, msgpack of the lines of the jobs or
--   '', the name of the file or '', msgpack of the jobs; then large bodies
--   for each job: id, topic, body or where it is in ARGV, due ms or '' for now, expiry ms, '' for never or -1 where its
--   ready lifetime says, '' or more of it in msgpack: what it was ('', waiting, leased or dead), ready lifetime in ms
--   or '', attempts, extras (lib/extras.lua) or '', since when its lifetime stands still in ms or '', reason, when it
--   failed in ms or '' for now, when it is deleted in ms or ''
-- Answers: the line up to which the file is imported, where that is not what is believed and nothing was done, else
--   -1; the topic of the list that was not looked through, or ''; then for each job that was dealt with its outcome
--   (its place in IMPORT_OUTCOMES of the core)
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(DEAD, 'zset')
local any_notes = look('hash', 'HLEN', READY_DUE) > 0
local JOBS, WIDTH = 9, 6
local file, from, to = ARGV[8] ~= '' and IMPORT .. ARGV[8], tonumber(ARGV[4]), ARGV[5]
local call, now, jobs = redis.call, now_ms(), cmsgpack.unpack(ARGV[JOBS])

-- A retry of refused lines has no place in its file.
local is_retry = file and to == ''
local reached = file and tonumber(look('hash', 'HGET', file, 'line') or 0)
if file and not is_retry and reached ~= from then return { reached, '' } end
local lines = file and cmsgpack.unpack(ARGV[7])
local are_left = is_retry and #lines > 0 and call('HMGET', file, unpack(lines)) or {}

local ids, buckets = {}, {}
for i = 1, #jobs, WIDTH do
  ids[#ids + 1] = jobs[i]
  buckets[#buckets + 1] = BUCKET .. jobs[i]
end
local notes = any_notes and #ids > 0 and call('HMGET', READY_DUE, unpack(ids)) or {}
-- Usually none of the ids has a bucket, and one command shows that for all of them.
local are_new = #ids > 0 and call('EXISTS', unpack(buckets)) == 0

-- Of plain new jobs the places among those that are due with them are looked for together.
if are_new then
  local plain = {}
  for i = 1, #jobs, WIDTH do
    if jobs[i + 5] == '' then plain[#plain + 1] = { id = jobs[i], due = jobs[i + 3] == '' and now or jobs[i + 3] } end
  end
  if #plain > 0 then look_at_dues(plain, now) end
end

local run = { on_existing = ARGV[1], now = now, jobs = #ids, cleared = read_cleared(ARGV[3]), lists = {}, due_of = {} }
local answers, scores, earliest, is_next = { -1, '' }, {}, math.huge, false

local function read_more(packed)
  local kind, ttl, attempts, extras, since, reason, failed_at, delete_at = unpack(cmsgpack.unpack(packed))
  return {
    kind = kind, ttl = ttl, attempts = attempts, extras = extras, since = since,
    reason = reason, failed_at = failed_at, delete_at = delete_at,
  }
end

-- The first write is one that Redis refuses when it is out of memory. Writes that delete come after it.
local function add(job)
  call('HSET', job.bucket, 'topic', job.topic, 'body', job.body)
  if job.expires_at ~= '' then
    call('PEXPIREAT', job.bucket, to_text(job.expires_at))
  else
    call('PERSIST', job.bucket)
  end
  local score, is_first = score_in_order(job.due, now)
  local n = #scores
  scores[n + 1], scores[n + 2] = score, job.id
  run.due_of[job.id] = job.due
  if job.due < earliest then earliest, is_next = job.due, is_first end
end

-- What due time and expiry do not show of a job.
local function keep_more(job)
  local more = job.more
  if not more then return end
  local memo = write_memo(more.attempts, more.ttl, job.due, job.expires_at, job.topic, job.body, more.extras)
  call('HSET', job.bucket, 'delayer', memo)
end

-- It waits for the job of its id that is here.
local function add_waiting(job)
  for _, other in ipairs(waiting_jobs(job.id)) do
    if other.topic == job.topic and other.row[3] == job.body and other.row[4] == job.due then return 'repeated' end
  end
  local more = job.more
  local row = { 1, job.id, job.body, job.due, job.expires_at, more.attempts, job.due / 1000, more.ttl, more.extras }
  -- Its lifetime stands still from its due time on.
  local since = math.max(now, job.due)
  return let_wait({ topic = job.topic, row = row, since = since }, now) and 'imported' or 'blocked'
end

-- Answers its outcome; or nil, and the topic of a ready list that has to be searched first.
local function import_with_care(job)
  local was = job.more and job.more.kind or ''
  run.on_existing = was == '' and ARGV[1] or 'refuse'
  local outcome, before = look_ahead(run, job.id, job.bucket, job.note, job.topic, job.body)
  if not outcome then return nil, before end
  if not before then
    -- A job that was leased may have been imported before, and then it is in line. One that waited is another one than
    -- the one in line, whatever that holds.
    local may_wait = was == 'waiting' and outcome ~= 'blocked' or was == 'leased' and outcome == 'conflict'
    return may_wait and add_waiting(job) or outcome
  end
  add(job)
  clear_away(job.id, job.bucket, before)
  keep_more(job)
  return outcome == 'pushed' and 'imported' or outcome
end

local function import_letter(id, topic, body, due, more)
  if more.delete_at ~= '' and more.delete_at <= now then return 'expired' end
  if not can_bury(id) then return 'blocked' end
  return keep_letter(id, {
    topic = topic, body = body, due = due, ttl = more.ttl, attempts = more.attempts, reason = more.reason,
    failed_at = more.failed_at == '' and now or more.failed_at, delete_at = more.delete_at, extras = more.extras,
  }) and 'imported' or 'repeated'
end

local function import_living(n, id, topic, body, due, expires_at, more)
  if due == '' then due = now end
  if expires_at == -1 then expires_at = math.min(due + more.ttl, LAST_MS) end
  if more and more.since ~= '' then expires_at = shifted_expiry(expires_at, more.since, now) end
  if is_expired(expires_at, now) then return 'expired' end
  local job = {
    id = id, bucket = buckets[n], topic = topic, body = body, due = due, expires_at = expires_at, more = more,
    note = notes[n],
  }
  local list = run.lists[topic] or list_of(run, topic)
  if not (are_new and list.is_clear and not job.note and not run.due_of[id]) then return import_with_care(job) end
  add(job)
  keep_more(job)
  return 'imported'
end

local CODES = {
  imported = 0, replaced = 1, repeated = 2, kept = 3, conflict = 4, expired = 5, blocked = 6, before = 7,
}
local refused, settled = {}, {}
local function note_line(line, outcome)
  if outcome == 'conflict' or outcome == 'blocked' then
    refused[#refused + 1] = line
    refused[#refused + 1] = ''
  elseif is_retry then
    settled[#settled + 1] = line
  end
end

for n = 1, #ids do
  local id, topic, body, due, expires_at, packed = unpack(jobs, WIDTH * (n - 1) + 1, WIDTH * n)
  if type(body) == 'number' then body = ARGV[body] end
  local more = packed ~= '' and read_more(packed) or nil
  local outcome, unclear
  if is_retry and not are_left[n] then
    outcome = 'before'
  elseif more and more.kind == 'dead' then
    outcome = import_letter(id, topic, body, due, more)
  else
    outcome, unclear = import_living(n, id, topic, body, due, expires_at, more)
  end
  if not outcome then
    -- The file is imported up to the job before this one.
    answers[2], to = unclear, n > 1 and file and lines[n - 1] or ARGV[4]
    break
  end
  if file then note_line(lines[n], outcome) end
  answers[#answers + 1] = CODES[outcome]
end
if #scores > 0 then call('ZADD', POOL, unpack(scores)) end
if file and not is_retry then
  if to == '0' then call('UNLINK', file) end
  call('HSET', file, 'line', to, unpack(refused))
  call('PEXPIRE', file, ARGV[6])
elseif #settled > 0 then
  call('HDEL', file, unpack(settled))
end
if is_next then wake(ARGV[2], earliest) end
return answers
