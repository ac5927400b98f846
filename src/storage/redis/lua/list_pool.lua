-- Reads a part of the pool in order of due time.
-- include: keys, time, note, memo, bounds, page
-- ARGV: topic or '' for all, cursor score, cursor id ('' and '' for the beginning), how many to look at, most jobs,
--   whether it goes from the end (0 or 1)
-- Answers: score and id of the last one looked at ('' and '' at the end), now in ms, how many were looked at, then
--   msgpack of, for each job: id, topic, body, due ms, expiry ms or '', and '' or, where delayer keeps more of it,
--   msgpack of: attempts, ready lifetime in ms or '', extras or ''
expect_type(POOL, 'zset')
local only_topic, limit, most = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local now, entries = now_ms(), page_of(POOL, ARGV[2], ARGV[3], limit, ARGV[6] == '1')
local COLUMNS, jobs, bytes = 6, {}, 0
local last, at_end = #entries - 1, #entries < 2 * limit
local try = redis.pcall

local function job_in(bucket)
  if only_topic ~= '' and try('HGET', bucket, 'topic') ~= only_topic then return nil end
  local job = try('HMGET', bucket, 'topic', 'body', 'delayer')
  if job.err then return fields(bucket, 'topic') end
  return job[1] and job[2] and job
end

local function more_of(job, bucket, due, expires_at)
  if not job[3] then return '' end
  local more = { read_memo(bucket, job[3], nil, due, expires_at, job[1], job[2]) }
  bytes = bytes + #more[3]
  return cmsgpack.pack(more)
end

local n = 0
for i = 1, #entries, 2 do
  local id = entries[i]
  local bucket = BUCKET .. id
  local job = job_in(bucket)
  if job then
    local body, due, expires_at = job[2], from_score(entries[i + 1]), expiry_of(bucket)
    jobs[n + 1], jobs[n + 2], jobs[n + 3], jobs[n + 4], jobs[n + 5] = id, job[1], body, due, expires_at
    jobs[n + 6] = more_of(job, bucket, due, expires_at)
    n, bytes = n + COLUMNS, bytes + #body
    if n == COLUMNS * most or bytes > MOST_BYTES then
      last, at_end = i, at_end and i == #entries - 1
      break
    end
  end
end
local looked_at = (last + 1) / 2
return { at_end and '' or entries[last + 1], at_end and '' or entries[last], now, looked_at, cmsgpack.pack(jobs) }
