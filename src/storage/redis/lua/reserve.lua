-- Leases the jobs that are due first, of the first topics that have some. To other clients this looks like
-- a pop: the id leaves the ready list, and its bucket is gone.
-- include: keys, time, lock, note, next, due, mark
-- ARGV: token, policy (lib/policy.lua) or '', who reserves or '', '' or msgpack of the name of a lock, its owner and
--   for how long in ms; msgpack of limit, lease in ms, skip, promotion limit, most bytes of bodies in one answer, how
--   long a dead letter is kept in ms (0: for ever), whether leases that have ended come first; then the topics
-- Answers: -2 and ms where another owner has the lock for so long, and -1 alone where leases have ended and come
--   first: nothing was done. Else more (0 or 1), ms until the next event (or -1, also where there are jobs), stuck,
--   paused (1 when all topics are), deadline in ms, topics as the record has them (lib/record.lua), jobs of the
--   reservation, its first deadline in ms, whether there is something to tidy (0 or 1; 0 where there are jobs), 0 or
--   an array of what jobs have of their own (number, key or '', retries or '', first and last pause or ''), 0 or an
--   array of jobs that were buried (id, topic, reason), then for each job: number, id, body, due ms or -1, expiry ms
--   or -1, attempts
local token, policy, holder, lock, FIRST_TOPIC = ARGV[1], ARGV[2], ARGV[3], ARGV[4], 6
local limit, lease_ms, skip, promote_limit, most_bytes, dead_ttl, reclaim_first = unpack(cmsgpack.unpack(ARGV[5]))
local now, call = now_ms(), redis.call

if lock ~= '' then
  local locked_ms = take_lock(unpack(cmsgpack.unpack(lock)))
  if locked_ms then return { -2, locked_ms } end
end

local lease_until = math.min(now + lease_ms, LAST_MS)
local rows = { RECORD_VERSION, '', now, 0, lease_until, policy, holder }
local answer = { 1, -1, 0, 0, lease_until, '', 0, lease_until, 0, 0, 0 }

-- Adds a job to the record and to the answer. Place and due time are those of its note, each '' where it has none.
local function add_job(number, id, body, due, expires_at, attempts, place, ttl, extras)
  local n, a, is_noted = HEAD + ROW * (number - 1), 11 + 6 * (number - 1), place ~= ''
  rows[n + 1], rows[n + 2], rows[n + 3] = number, id, body
  rows[n + 4] = is_noted and place < 0 and due or ''
  rows[n + 5], rows[n + 6], rows[n + 7], rows[n + 8], rows[n + 9] = expires_at, attempts, place, ttl, extras
  answer[a + 1], answer[a + 2], answer[a + 3], answer[a + 4] = number, id, body, is_noted and due or -1
  answer[a + 5], answer[a + 6] = expires_at == '' and -1 or expires_at, attempts
end

-- Names the topics in the record and in the answer, and packs the record.
local function pack_lease(topics, jobs)
  rows[2], rows[4] = topics, jobs
  answer[6], answer[7] = topics, jobs
  return cmsgpack.pack(rows)
end

-- Keeps the mark of a list from whose right end entries were taken: `before` and `after` are its lengths. One that has
-- grown behind delayer's back has entries of another daemon.
local function keep_mark(topic, before, after)
  if before <= MARKED_FROM then return end
  local mark = redis.pcall('HGET', READY_KNOWN, topic)
  local digest, entries = read_mark(type(mark) == 'string' and mark or nil)
  if digest then
    redis.pcall('HSET', READY_KNOWN, topic, before <= entries and digest .. ' ' .. after or HAS_UNNOTED)
  end
end

local lease_end, due_now = first_lease_end(look), due_jobs(now, skip, promote_limit, look)

-- Leases the job at the head of a ready list where nothing but its note is known of it; false where that cannot be
-- told here, or the token was used before, and nil where there is no list.
local function lease_first(topic)
  local id = read('LINDEX', READY .. topic, '-1')
  if id == false then return nil end
  if not id or call('ZSCORE', POOL, id) then return false end
  local bucket = BUCKET .. id
  local job, note = redis.pcall('HMGET', bucket, 'topic', 'body', 'delayer'), read('HGET', READY_DUE, id)
  if job[1] ~= topic or not job[2] or job[3] or note == nil or is_old_note(note) then return false end
  local written_expiry, place, due = written_expiry_of(bucket), '', ''
  local expires_at = within_bounds(written_expiry)
  if is_expired(expires_at, now) then return false end
  if note then place, due = noted_place(note, written_expiry) end
  if note and place == '' then return false end
  -- Refused when Redis is out of memory, and no change where the token is there.
  if redis.pcall('ZADD', RESERVED, 'NX', to_score(lease_until), token) ~= 1 then return false end
  add_job(1, id, job[2], due, expires_at, 1, place, '', '')
  call('SET', INFLIGHT .. token, pack_lease(topic, 1))
  local entries = call('LLEN', READY .. topic)
  call('RPOP', READY .. topic)
  keep_mark(topic, entries, entries - 1)
  if note then call('HDEL', READY_DUE, id) end
  call('UNLINK', bucket)
  return true
end

-- The answer where there are no jobs: who has got some does not wait, nor hears of what there is to tidy.
local function answer_nothing(next_event)
  answer[2] = next_in(now, next_event) or -1
  answer[9] = (look('hash', 'HLEN', READY_DUE) > 0 or is_untidy()) and 1 or 0
end

-- Nearly every reserve of one job of one topic finds nothing else to do than to lease it, to promote before, or to say
-- that there is none. It needs little of what follows, and Redis makes each function anew at every run.
local first_topic, done = ARGV[FIRST_TOPIC], nil
local is_plain = limit == 1 and #ARGV == FIRST_TOPIC and lease_end > now
  and read('HGET', PAUSED, first_topic) == false
if is_plain and #due_now == 0 then
  local leased = lease_first(first_topic)
  if leased then return answer end
  if leased == nil and not look('zset', 'ZSCORE', RESERVED, token) then
    read('HDEL', READY_KNOWN, first_topic)
    answer[1] = 0
    answer_nothing(lease_end)
    return answer
  end
end

-- include: bounds, known, forget, entry, topics, promote
if is_plain and #due_now > 0 then
  done = promote(due_now, skip, promote_limit, now)
  answer[3] = done.stuck
  if lease_first(first_topic) then return answer end
end

-- include: extras, policy, memo, record, dead

-- What a job has of its own, and what is wrong with its retry settings.
local owns = {}
local function add_own(number, packed)
  local extras = read_extras(packed)
  local flaw = flaw_of(extras)
  if not flaw and (extras[1] ~= '' or extras[2] ~= '' or extras[3] ~= '') then
    local own, n = { number, extras[1], extras[2], extras[3], extras[4] }, #owns
    for i = 1, 5 do owns[n + i] = own[i] end
  end
  return flaw
end

-- The same token again means that the answer was lost on its way: give the same one.
local deadline = look('zset', 'ZSCORE', RESERVED, token)
local packed = deadline and read('GET', INFLIGHT .. token)
local record = packed and read_record(INFLIGHT .. token, packed)
if record then
  answer = { 0, -1, 0, 0, from_score(deadline), record.topics, record.count, record.deadline, 0, owns, 0 }
  for _, row in ipairs(record.rows) do
    local number, id, body, due, expires_at, attempts = unpack(row)
    local part = { number, id, body, due == '' and -1 or due, expires_at == '' and -1 or expires_at, attempts }
    for _, value in ipairs(part) do answer[#answer + 1] = value end
    if row[9] ~= '' then add_own(number, row[9]) end
  end
  return answer
end

local have_ended = lease_end <= now
if have_ended and reclaim_first == 1 then return { -1 } end

-- Topics that are not paused, and when the first of the others is no longer. A pause that is over is
-- forgotten; what is no time pauses nothing.
local topics, pause_end = {}, math.huge
for first = FIRST_TOPIC, #ARGV, 1000 do
  local last = math.min(first + 999, #ARGV)
  local pauses = read('HMGET', PAUSED, unpack(ARGV, first, last)) or {}
  for i = first, last do
    local until_ms = tonumber(pauses[i - first + 1] or '')
    if until_ms and until_ms <= now then call('HDEL', PAUSED, ARGV[i]) end
    if until_ms and until_ms > now then
      pause_end = math.min(pause_end, until_ms)
    else
      topics[#topics + 1] = ARGV[i]
    end
  end
end

done = done or promote(due_now, skip, promote_limit, now)

-- Expired and stale entries cost no round trip each: behind them it looks further, in windows of
-- LATER_WINDOW, until it has looked at MOST_ENTRIES.
local LATER_WINDOW, MOST_ENTRIES = 250, 1000
local buckets, notes_of, seen = {}, {}, {}
local bytes, full, blocked, broken = 0, false, {}, {}

-- A job whose retry settings no delayer wrote is not given.
local function refuse(row, topic, flaw, place)
  if can_bury(row[2]) then
    broken[#broken + 1] = { topic = topic, row = row, reason = 'its retry settings are broken: ' .. flaw }
  else
    blocked[#blocked + 1] = { row[2], topic, place }
  end
end

-- An entry is stale when its job has expired, was pushed anew and is to come by the pool, belongs to
-- another topic by now, or stands in the list twice. Answers how many entries it looked at.
local function look_at(ids, topic)
  local try = redis.pcall
  local in_pool = call('ZMSCORE', POOL, unpack(ids))
  local notes = look('hash', 'HMGET', READY_DUE, unpack(ids))
  for i = #ids, 1, -1 do
    local id, is_noted = ids[i], false
    if not in_pool[i] and not seen[id] then
      local bucket = BUCKET .. id
      local job = try('HMGET', bucket, 'topic', 'body', 'delayer')
      local body, expires_at, written_expiry = job[2], nil, nil
      if job.err then blocked[#blocked + 1] = { id, topic, noted_topic(notes[i]) and read_note(notes[i]) or '' } end
      if job[1] == topic and body then
        written_expiry = written_expiry_of(bucket)
        expires_at = within_bounds(written_expiry)
      end
      if expires_at and (expires_at == '' or expires_at > now) then
        local number = #buckets + 1
        local attempts, ttl, due, place, extras, flaw = 0, '', '', '', '', nil
        if notes[i] then place, due = noted_place(notes[i], written_expiry) end
        is_noted = place ~= ''
        if job[3] or notes[i] then
          attempts, ttl, extras = read_memo(bucket, job[3], notes[i], due, expires_at, topic, body)
        end
        local size = #body + #extras
        full = number > limit or (bytes > 0 and bytes + size > most_bytes)
        if full then return #ids - i end
        bytes = bytes + size
        seen[id] = true
        if extras ~= '' then flaw = add_own(number, extras) end
        if flaw then
          local noted = place ~= '' and read_note(notes[i]) or ''
          refuse({ 0, id, body, due, expires_at, attempts, '', ttl, extras }, topic, flaw, noted)
        else
          buckets[number] = bucket
          add_job(number, id, body, due, expires_at, attempts + 1, place, ttl, extras)
        end
      end
    end
    -- A note of another topic tells of an entry there.
    if notes[i] and (is_noted or (noted_topic(notes[i]) or topic) == topic) then notes_of[#notes_of + 1] = id end
  end
  return #ids
end

-- How many entries to take off each list: they are read first, and written after the lease is.
local entries_of, named, at_end = {}, {}, true
local looked_at, no_list = 0, nil
for _, topic in ipairs(topics) do
  local entries, window = 0, math.max(1, limit - #buckets)
  repeat
    local ids = read('LRANGE', READY .. topic, -entries - window, -entries - 1)
    if not ids then no_list, ids = READY .. topic, {} end
    at_end = #ids < window
    if #ids > 0 then entries = entries + look_at(ids, topic) end
    window = LATER_WINDOW
  until at_end or full or #buckets == limit or looked_at + entries >= MOST_ENTRIES
  entries_of[topic], looked_at = entries, looked_at + entries
  if at_end then read('HDEL', READY_KNOWN, topic) end
  if #buckets > (named[#named] or 0) then
    named[#named + 1] = topic
    named[#named + 1] = #buckets
  end
  if full or #buckets == limit or not at_end then break end
end
local packed_lease = pack_lease(#named == 2 and named[1] or named, #buckets)

-- The lease comes before what it takes away: where a user may not run one of these commands, a job is
-- delivered twice at worst.
if #buckets > 0 then
  local until_score = to_score(lease_until)
  if type(redis.pcall('ZADD', RESERVED, until_score, token)) == 'table' then
    allow_writes()
    call('ZADD', RESERVED, until_score, token)
  end
  call('SET', INFLIGHT .. token, packed_lease)
end
-- A job with a key of another type in the place of its body cannot be handed over. It is set aside, out of the
-- way of those behind it; tidy.lua brings it back when it can.
for _, job in ipairs(blocked) do
  read('HSET', SET_ASIDE, job[1], cmsgpack.pack({ RECORD_VERSION, job[2], job[3], now }))
end
if #broken > 0 then
  allow_writes()
  answer[11] = {}
  for _, job in ipairs(broken) do
    bury(job, job.reason, now, delete_time(now, dead_ttl))
    for _, value in ipairs({ job.row[2], job.topic, job.reason }) do table.insert(answer[11], value) end
  end
end
for topic, entries in pairs(entries_of) do
  if entries > 0 then
    local before = call('LLEN', READY .. topic)
    call('LTRIM', READY .. topic, 0, -entries - 1)
    keep_mark(topic, before, before - entries)
  end
end
for i = 1, #notes_of, 1000 do call('HDEL', READY_DUE, unpack(notes_of, i, math.min(i + 999, #notes_of))) end
if #buckets > 0 then call('UNLINK', unpack(buckets)) end
for _, job in ipairs(broken) do call('UNLINK', BUCKET .. job.row[2]) end

if #owns > 0 then answer[10] = owns end
answer[1] = (done.more or have_ended or not at_end) and 1 or 0
-- Who has got jobs does not hear of another topic whose ready list is none.
if #buckets == 0 then
  if no_list then expect_type(no_list, 'list') end
  answer_nothing(math.min(lease_end, pause_end))
end
answer[3], answer[4] = done.stuck, #topics == 0 and 1 or 0
return answer
