-- needs: keys, time, record

-- A job that comes back while another one of its id is in the queue waits, without a lease. All that wait for one id
-- are one LIST, WAITING .. id, of packed records of one job each, as in lib/record.lua, in the order in which they
-- came back. RESERVED has ':' .. id by the time of the next look.

local DUPLICATE_RETRY_MS = 1000

local function waiting_id(name)
  return string.match(name, '^:(.*)$')
end

-- The ready lifetime stood still while the job was away.
local function shifted_expiry(expires_at, since, now)
  if expires_at == '' or not since or since == 0 then return expires_at end
  return math.min(expires_at + math.max(0, now - since), LAST_MS)
end

-- Since when the lifetime of a leased job stands still: from its due time, if it was held before that.
local function away_since(job)
  local since, due = job.since, job.row[4]
  if not since or since == 0 or due == '' then return since end
  return math.max(since, due)
end

-- From now on its lifetime stands still again. False when the key to wait under is of a wrong type.
local function let_wait(job, now)
  local row = job.row
  if not is_list_or_none(WAITING .. row[2]) then return false end
  row[8] = ttl_of(row)
  row[5] = shifted_expiry(row[5], away_since(job), now)
  job.since = math.max(now, away_since(job) or now)
  job.policy, job.holder = nil, nil
  redis.call('RPUSH', WAITING .. job.row[2], pack_job(job))
  redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. job.row[2])
  return true
end

-- The jobs that wait for this id, each with its packed record. Records that no version wrote are skipped.
local function waiting_jobs(id)
  local jobs = {}
  for _, packed in ipairs(read('LRANGE', WAITING .. id, 0, -1) or {}) do
    local record = read_record(WAITING .. id, packed)
    if record then
      local job = job_of(record, ':' .. id, record.rows[1])
      job.packed = packed
      jobs[#jobs + 1] = job
    end
  end
  return jobs
end

-- Removes jobs from those that wait for an id; the `left` others are looked at again after a while.
local function end_waiting(id, jobs, left, now)
  for _, job in ipairs(jobs) do redis.call('LREM', WAITING .. id, 1, job.packed) end
  if left == 0 then
    redis.call('ZREM', RESERVED, ':' .. id)
  else
    redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. id)
  end
end

-- All jobs of a member of RESERVED.
local function jobs_of(name)
  local id = waiting_id(name)
  if id then return waiting_jobs(id) end
  local record, jobs = load_record(name), {}
  for _, row in ipairs(record and record.rows or {}) do jobs[#jobs + 1] = job_of(record, name, row) end
  return jobs
end
