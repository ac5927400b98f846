-- Leases the jobs that are due first, of the first topics that have some. To other clients this looks like
-- a pop: the id leaves the ready list, and its bucket is gone.
-- include: keys, time, note, memo, bounds, known, forget, record, promote, next
-- ARGV: limit, lease in ms, token, skip, promotion limit, most bytes of bodies in one answer, whether leases
--   that have ended come first (0 or 1), then the topics
-- Answers: -1 alone where leases have ended and come first: nothing was done. Else more (0 or 1), ms until the
--   next event (or -1, also where there are jobs), stuck, paused (1 when all topics are), deadline in ms, topics
--   as the record has them (lib/record.lua), jobs of the reservation, its first deadline in ms, whether there is
--   something to tidy (0 or 1; 0 where there are jobs), then for each job: number, id, body, due ms or -1, expiry
--   ms or -1, attempts
local limit, lease_ms, token = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local skip, promote_limit, most_bytes = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local reclaim_first, FIRST_TOPIC = ARGV[7] == '1', 8
local call, pcall_redis = redis.call, redis.pcall

local now = now_ms()

-- The same token again means that the answer was lost on its way: give the same one.
local deadline = look('zset', 'ZSCORE', RESERVED, token)
local packed = deadline and read('GET', INFLIGHT .. token)
local record = packed and read_record(INFLIGHT .. token, packed)
if record then
  local answer = { 0, -1, 0, 0, from_score(deadline), record.topics, record.count, record.deadline, 0 }
  for _, row in ipairs(record.rows) do
    local number, id, body, due, expires_at, attempts = unpack(row)
    local part = { number, id, body, due == '' and -1 or due, expires_at == '' and -1 or expires_at, attempts }
    for _, value in ipairs(part) do answer[#answer + 1] = value end
  end
  return answer
end

local lease_end = first_lease_end()
local have_ended = lease_end <= now
if have_ended and reclaim_first then return { -1 } end

-- Topics that are not paused, and when the first of the others is no longer. A pause that is over is
-- forgotten; what is no time pauses nothing.
local topics, pause_end = {}, math.huge
local pauses = read('HMGET', PAUSED, unpack(ARGV, FIRST_TOPIC)) or {}
for i = FIRST_TOPIC, #ARGV do
  local until_ms = tonumber(pauses[i - FIRST_TOPIC + 1] or '')
  if until_ms and until_ms <= now then call('HDEL', PAUSED, ARGV[i]) end
  if until_ms and until_ms > now then
    pause_end = math.min(pause_end, until_ms)
  else
    topics[#topics + 1] = ARGV[i]
  end
end

local done = promote(now, skip, promote_limit)

-- Expired and stale entries cost no round trip each: behind them it looks further, in windows of
-- LATER_WINDOW, until it has looked at MOST_ENTRIES.
local LATER_WINDOW, MOST_ENTRIES = 250, 1000
local lease_until = math.min(now + lease_ms, LAST_MS)
local rows, buckets, notes_of, seen = { RECORD_VERSION, '', now, 0, lease_until }, {}, {}, {}
local n, bytes, full, blocked = HEAD, 0, false, {}
local answer, a = { 0, -1, 0, 0, lease_until, '', 0, lease_until, 0 }, 9

-- An entry is stale when its job has expired, was pushed anew and is to come by the pool, belongs to
-- another topic by now, or stands in the list twice. Answers how many entries it looked at.
local function look_at(ids, topic)
  local in_pool = call('ZMSCORE', POOL, unpack(ids))
  local notes = look('hash', 'HMGET', READY_DUE, unpack(ids))
  for i = #ids, 1, -1 do
    local id, is_noted = ids[i], false
    if not in_pool[i] and not seen[id] then
      local bucket = BUCKET .. id
      local job = pcall_redis('HMGET', bucket, 'topic', 'body', 'delayer')
      local body, expires_at = job[2], nil
      if job.err then blocked[#blocked + 1] = { id, topic, noted_topic(notes[i]) and read_note(notes[i]) or '' } end
      if job[1] == topic and body then expires_at = expiry_of(bucket) end
      if expires_at and (expires_at == '' or expires_at > now) then
        local number = #buckets + 1
        full = number > limit or (bytes > 0 and bytes + #body > most_bytes)
        if full then return #ids - i end
        bytes = bytes + #body
        seen[id] = true
        buckets[number] = bucket
        local attempts, ttl, due, place = 0, '', -1, ''
        if job[3] or notes[i] then
          attempts, ttl = read_memo(bucket, job[3], notes[i], expires_at, topic, body)
        end
        if notes[i] then place = noted_place(notes[i], expires_at) end
        if place ~= '' then
          is_noted, place = true, tonumber(place)
          due = from_score(place)
        end
        attempts = attempts + 1
        rows[n + 1], rows[n + 2], rows[n + 3], rows[n + 4] = number, id, body, ''
        rows[n + 5], rows[n + 6], rows[n + 7], rows[n + 8] = expires_at, attempts, place, ttl
        answer[a + 1], answer[a + 2], answer[a + 3], answer[a + 4] = number, id, body, due
        answer[a + 5], answer[a + 6] = expires_at == '' and -1 or expires_at, attempts
        n, a = n + ROW, a + 6
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
rows[2], rows[4] = #named == 2 and named[1] or named, #buckets

-- The lease comes before what it takes away: where a user may not run one of these commands, a job is
-- delivered twice at worst.
if #buckets > 0 then
  local until_score = to_score(lease_until)
  if type(redis.pcall('ZADD', RESERVED, until_score, token)) == 'table' then
    allow_writes()
    call('ZADD', RESERVED, until_score, token)
  end
  call('SET', INFLIGHT .. token, cmsgpack.pack(rows))
end
-- A job with a key of another type in the place of its body cannot be handed over. It is set aside, out of the
-- way of those behind it; tidy.lua brings it back when it can.
for _, job in ipairs(blocked) do
  read('HSET', SET_ASIDE, job[1], cmsgpack.pack({ RECORD_VERSION, job[2], job[3], now }))
end
for topic, entries in pairs(entries_of) do
  if entries > 0 then call('LTRIM', READY .. topic, 0, -entries - 1) end
end
for i = 1, #notes_of, 1000 do call('HDEL', READY_DUE, unpack(notes_of, i, math.min(i + 999, #notes_of))) end
if #buckets > 0 then call('UNLINK', unpack(buckets)) end

if done.more or have_ended or not at_end then answer[1] = 1 end
-- Who has got jobs does not wait, nor hears of another topic whose ready list is none.
if #buckets == 0 then
  if no_list then expect_type(no_list, 'list') end
  answer[2] = next_in(now, math.min(lease_end, pause_end)) or -1
  answer[9] = is_untidy() and 1 or 0
end
answer[3], answer[4] = done.stuck, #topics == 0 and 1 or 0
answer[6], answer[7] = rows[2], #buckets
return answer
