-- Leases the jobs of a topic that are due first. To other clients this looks like a pop: the id leaves
-- the ready list and its bucket is renamed.
-- include: keys, time, promote, lease
-- ARGV: topic, limit, lease in ms, token, skip, promotion limit, most bytes of bodies in one answer
-- Answers: more (0 or 1), ms until the next event or -1, stuck, deadline in ms, then for each job:
--   lease, id, body, due ms or '', expiry ms or '', attempts
local topic, limit, lease_ms, token = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local skip, promote_limit, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local ready = READY .. topic
expect_type(ready, 'list')
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')

local now = now_ms()

-- Leases of one request are numbered, so that their order is that of their names.
local function lease_name(number)
  return string.format('%s.%04d', token, number)
end

-- The same token again means that the answer was lost on its way: give the same one.
local function taken_before()
  local jobs, until_ms = {}, 0
  for number = 1, limit do
    local lease = lease_name(number)
    local job = fields(INFLIGHT .. lease, 'id', 'body', 'due_at', 'expires_at', 'attempts')
    if not (job and job[1]) then break end
    for _, value in ipairs({ lease, job[1], job[2], job[3] or '', job[4] or '', job[5] }) do
      jobs[#jobs + 1] = value
    end
    until_ms = from_score(redis.call('ZSCORE', RESERVED, lease) or to_score(now))
  end
  return jobs, until_ms
end

local jobs, until_ms = taken_before()
if #jobs > 0 then return { 0, -1, 0, until_ms, unpack(jobs) } end

local back = reclaim(now, promote_limit)
local done = promote(now, skip, promote_limit)

local ids = redis.call('LRANGE', ready, -limit, -1)
local looked_at, bytes, found, seen = 0, 0, {}, {}
local in_pool = #ids > 0 and redis.call('ZMSCORE', POOL, unpack(ids)) or {}
local due_times = #ids > 0 and redis.call('HMGET', READY_DUE, unpack(ids)) or {}

-- An entry is stale when its job has expired, was pushed anew and is to come by the pool, belongs to
-- another topic by now, or stands in the list twice.
for i = #ids, 1, -1 do
  local id = ids[i]
  local job = not in_pool[i] and not seen[id] and fields(BUCKET .. id, 'topic', 'body', 'attempts')
  if job and job[1] == topic and job[2] then
    if bytes > 0 and bytes + #job[2] > most_bytes then break end
    bytes = bytes + #job[2]
    found[#found + 1] = { id = id, body = job[2], due = due_times[i] or '', attempts = (tonumber(job[3]) or 0) + 1 }
    seen[id] = true
  end
  looked_at = looked_at + 1
end

if looked_at > 0 then
  redis.call('LTRIM', ready, 0, -looked_at - 1)
  redis.call('HDEL', READY_DUE, unpack(ids, #ids - looked_at + 1))
end
local deadline = now + lease_ms
local reserve = {}
for number, job in ipairs(found) do
  local bucket, lease = BUCKET .. job.id, lease_name(number)
  local inflight, expires_at = INFLIGHT .. lease, expiry_of(bucket, now)
  redis.call('RENAME', bucket, inflight)
  if expires_at ~= '' then redis.call('PERSIST', inflight) end
  redis.call('HSET', inflight, 'id', job.id, 'due_at', job.due, 'expires_at', expires_at, 'attempts', job.attempts)
  reserve[#reserve + 1] = to_score(deadline)
  reserve[#reserve + 1] = lease
  for _, value in ipairs({ lease, job.id, job.body, job.due, expires_at, job.attempts }) do
    jobs[#jobs + 1] = value
  end
end
if #reserve > 0 then redis.call('ZADD', RESERVED, unpack(reserve)) end

local more = done.more or back.more or looked_at > #found
return { more and 1 or 0, next_in(now) or -1, done.stuck, deadline, unpack(jobs) }
