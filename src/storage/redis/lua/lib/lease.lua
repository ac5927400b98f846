-- needs: keys, time, due, bounds

-- What one request has taken is one STRING, INFLIGHT .. token: msgpack of its topic and, for each job,
-- number, id, body, due ms or '', expiry ms or '', attempts. One key a request instead of a renamed
-- bucket a job makes a batch several times cheaper; to other clients it looks like a pop all the same.
-- A lease is named by its request's token and the job's number.
local ROW = 6

-- While another job of the same id is alive, a job that comes back waits this long at a time.
local NAMESAKE_RETRY_MS = 1000


-- Topic and rows of a request, or nil when it holds nothing any more.
local function load_request(token)
  local packed = read('GET', INFLIGHT .. token)
  if not packed then return nil end
  local record = cmsgpack.unpack(packed)
  local rows = {}
  for i = 2, #record, ROW do
    rows[#rows + 1] = { record[i], record[i + 1], record[i + 2], record[i + 3], record[i + 4], record[i + 5] }
  end
  return record[1], rows
end

-- Redis allows any write of a script once one was allowed: this one is, when it is out of memory. It
-- changes nothing.
local function allow_writes()
  redis.call('ZREM', RESERVED, '')
end

-- Keeps the rows that are still in hand. Deleting comes first: Redis allows it when it is out of memory,
-- and then what follows it.
local function keep_rows(token, topic, rows)
  redis.call('UNLINK', INFLIGHT .. token)
  if #rows == 0 then
    redis.call('ZREM', RESERVED, token)
    return
  end
  local record = { topic }
  for _, row in ipairs(rows) do
    for i = 1, ROW do record[#record + 1] = row[i] end
  end
  redis.call('SET', INFLIGHT .. token, cmsgpack.pack(record))
end

-- Makes a job ready again, at the end of the list that is popped next. Answers 'returned', 'expired', or
-- 'waiting' when another job of that id is alive or the ready key is of a wrong type.
local function return_job(topic, row, now, attempts)
  local id, body, due, expires_at = row[2], row[3], row[4], row[5]
  if expires_at ~= '' and expires_at <= now then return 'expired' end
  local bucket, found = BUCKET .. id, type_of(READY .. topic)
  if redis.call('EXISTS', bucket) == 1 or (found ~= 'none' and found ~= 'list') then return 'waiting' end
  redis.call('ZREM', POOL, id)
  redis.call('HSET', bucket, 'topic', topic, 'body', body)
  if attempts > 0 then redis.call('HSET', bucket, 'attempts', attempts) end
  if expires_at ~= '' then redis.call('PEXPIREAT', bucket, expires_at) end
  redis.call('RPUSH', READY .. topic, id)
  if due ~= '' then redis.call('HSET', READY_DUE, id, note_due(to_score(due), expires_at, topic)) end
  return 'returned'
end

-- Lets a job that cannot come back yet be tried again by itself; its request may have others in hand.
local function keep_for_later(token, topic, row, now)
  local own = string.match(token, '^[^:]*') .. ':' .. row[1]
  redis.call('SET', INFLIGHT .. own, cmsgpack.pack({ topic, unpack(row) }))
  redis.call('ZADD', RESERVED, to_score(now + NAMESAKE_RETRY_MS), own)
end

-- Makes the jobs of a request ready again for which `wanted(number)` holds, the one taken last first:
-- each comes to stand before the one put back ahead of it. `counted` says whether the attempt counts.
local function return_jobs(token, now, wanted, counted)
  local done = { returned = 0, expired = 0, waiting = 0 }
  local topic, rows = load_request(token)
  if not topic then
    redis.call('ZREM', RESERVED, token)
    return done
  end
  -- The record goes last: where a user may not run one of these commands, a job comes back twice at worst.
  allow_writes()
  local kept, later = {}, {}
  for i = #rows, 1, -1 do
    local row = rows[i]
    local outcome = wanted(row[1]) and return_job(topic, row, now, row[6] - (counted and 0 or 1))
    if outcome then done[outcome] = done[outcome] + 1 end
    if not outcome then table.insert(kept, 1, row) end
    if outcome == 'waiting' then later[#later + 1] = row end
  end
  keep_rows(token, topic, kept)
  -- Last, for a job that waits again has its own record already, which was just taken away.
  for _, row in ipairs(later) do keep_for_later(token, topic, row, now) end
  return done
end

-- One run does so much in all: what was taken back is promoted less. At least one job is, so that what
-- is due does not wait for what comes back.
local function limit_after(back, limit)
  return math.max(1, limit - back.returned - back.expired - back.waiting)
end

-- How much a request holds, without reading it.
local function bytes_of(token)
  local bytes = redis.pcall('STRLEN', INFLIGHT .. token)
  return type(bytes) == 'number' and bytes or 0
end

-- Puts back what requests whose lease ran out still had in hand. Stops after `limit` jobs or a
-- megabyte; a request is done whole.
local function reclaim(now, limit)
  local all = function() return true end
  local done, bytes = { returned = 0, expired = 0, waiting = 0, more = false }, 0
  local tokens = redis.call('ZRANGEBYSCORE', RESERVED, '-inf', due_by(now), 'LIMIT', 0, limit)
  done.more = #tokens == limit
  for _, token in ipairs(tokens) do
    if done.returned + done.expired + done.waiting >= limit or bytes > MOST_BYTES then
      done.more = true
      break
    end
    bytes = bytes + bytes_of(token)
    local part = return_jobs(token, now, all, true)
    for outcome, jobs in pairs(part) do done[outcome] = done[outcome] + jobs end
  end
  return done
end
