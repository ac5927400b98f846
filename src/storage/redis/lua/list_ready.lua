-- Reads a part of a ready list in the order of popping.
-- include: keys, time, note, memo, bounds
-- ARGV: topic, how many to pass over, how many to look at, the id that was the last of those that are passed over or ''
-- Answers: now in ms, entries looked at (-1 where another id stands there: nothing is looked at), whether these are the
--   last (0 or 1), then msgpack of, for each: id, what it is: ready, expired (there is no body), incomplete (of topic
--   and body one is missing), pooled (to come by the pool), other (of another topic), hole (an entry was taken out), or
--   the type of a key in the place of its body; of one that is ready then body, due ms or '', expiry ms or '', and ''
--   or, where delayer keeps more of it, msgpack of: attempts, ready lifetime in ms or '', extras or ''; else four times
--   ''
expect_type(READY .. ARGV[1], 'list')
local topic, first, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
if ARGV[4] ~= '' and redis.call('LINDEX', READY .. topic, -first) ~= ARGV[4] then return { now, -1, 0, '' } end
local ids = redis.call('LRANGE', READY .. topic, -first - limit, -first - 1)
if #ids == 0 then return { now, 0, 1, '' } end
local in_pool, notes = read('ZMSCORE', POOL, unpack(ids)) or {}, {}
if (read('HLEN', READY_DUE) or 0) > 0 then notes = redis.call('HMGET', READY_DUE, unpack(ids)) end

local function what_is(i, job, expires_at)
  if ids[i] == '' then return 'hole' end
  if in_pool[i] then return 'pooled' end
  if not job then return type_of(BUCKET .. ids[i]) end
  if not job[1] and not job[2] then return 'expired' end
  if not job[1] or not job[2] then return 'incomplete' end
  if is_expired(expires_at, now) then return 'expired' end
  return job[1] == topic and 'ready' or 'other'
end

local function more_of(job, bucket, note, due, expires_at)
  local attempts, ttl, extras = read_memo(bucket, job[3], note, due, expires_at, topic, job[2])
  if attempts == 0 and ttl == '' and extras == '' then return '', 0 end
  return cmsgpack.pack({ attempts, ttl, extras }), #extras
end

local jobs, n, bytes, looked_at, at_end = {}, 0, 0, #ids, #ids < limit and 1 or 0
for i = #ids, 1, -1 do
  local bucket, note = BUCKET .. ids[i], notes[i]
  local job = redis.pcall('HMGET', bucket, 'topic', 'body', 'delayer')
  if job.err then job = fields(bucket, 'topic') end
  local written_expiry = written_expiry_of(bucket)
  local is = what_is(i, job, written_expiry)
  jobs[n + 1], jobs[n + 2], jobs[n + 3], jobs[n + 4], jobs[n + 5], jobs[n + 6] = ids[i], is, '', '', '', ''
  if is == 'ready' then
    local due, expires_at = note and noted_due(note, written_expiry) or '', within_bounds(written_expiry)
    local more, more_bytes = more_of(job, bucket, note, due, expires_at)
    jobs[n + 3], jobs[n + 4], jobs[n + 5], jobs[n + 6] = job[2], due, expires_at, more
    bytes = bytes + #job[2] + more_bytes
  end
  n = n + 6
  if bytes > MOST_BYTES then
    looked_at, at_end = #ids - i + 1, i == 1 and at_end or 0
    break
  end
end
return { now, looked_at, at_end, cmsgpack.pack(jobs) }
