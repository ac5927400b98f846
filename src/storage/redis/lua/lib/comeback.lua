-- needs: keys, time, note, memo, record, schedule, line, waiting

-- How jobs come back from a consumer: ready at their old place, or delayed when they are due later.

-- The ready lifetime stood still for as long as the job was away.
local function shifted_expiry(expires_at, since, now)
  if expires_at == '' or not since or since == 0 then return expires_at end
  return expires_at + math.max(0, now - since)
end

-- Can the job be in the queue again? Not while another one of its id is, nor while its ready list is of
-- a wrong type.
local function can_come_back(job)
  if redis.call('EXISTS', BUCKET .. job.row[2]) == 1 then return false end
  local found = type_of(READY .. job.topic)
  return found == 'none' or found == 'list'
end

-- The memo holds what due time and expiry do not tell.
local function write_bucket(id, topic, body, attempts, ttl, expires_at, is_shifted)
  local bucket = BUCKET .. id
  redis.call('HSET', bucket, 'topic', topic, 'body', body)
  if attempts > 0 or is_shifted then
    redis.call('HSET', bucket, 'delayer', write_memo(attempts, ttl, expires_at, topic, body))
  end
  if expires_at ~= '' then redis.call('PEXPIREAT', bucket, expires_at) end
end

-- Brings jobs back (`row` with the attempts to be kept; `is_retried` for those that failed), and lets those wait that
-- cannot come now. Answers how many came back, how many wait, and when the first of those is due that came
-- back as delayed, with its id.
local function bring_back(jobs, now)
  local done, lines, waiting = { back = 0, waiting = 0, due = math.huge, id = nil }, {}, {}
  for _, job in ipairs(jobs) do
    local row = job.row
    local id, body, due, attempts = row[2], row[3], row[4], row[6]
    if not can_come_back(job) then
      waiting[#waiting + 1] = job
    else
      -- A job that is tried again stands by its new due time, and has its whole lifetime from then.
      local is_delayed = job.is_retried or (due ~= '' and due > now)
      local expires_at = is_delayed and row[5] or shifted_expiry(row[5], job.since, now)
      write_bucket(id, job.topic, body, attempts, ttl_of(row), expires_at, expires_at ~= row[5])
      redis.call('ZREM', POOL, id)
      if is_delayed then
        redis.call('ZADD', POOL, score_in_order(due), id)
        if due < done.due then done.due, done.id = due, id end
      else
        lines[job.topic] = lines[job.topic] or {}
        table.insert(lines[job.topic], { id = id, place = row[7] })
        local note = row[7] ~= '' and write_note(row[7], expires_at, job.topic)
        if note then redis.call('HSET', READY_DUE, id, note) end
      end
      done.back = done.back + 1
    end
  end
  for topic, entries in pairs(lines) do put_in_line(topic, entries) end
  for _, job in ipairs(waiting) do let_wait(job, now) end
  done.waiting = #waiting
  return done
end
