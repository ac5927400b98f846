-- Leases the jobs of a topic that are due first. To other clients this looks like a pop: the id leaves
-- the ready list, and its bucket is gone.
-- include: keys, time, due, bounds, promote, lease
-- ARGV: topic, limit, lease in ms, token, skip, promotion limit, most bytes of bodies in one answer
-- Answers: more (0 or 1), ms until the next event or -1, stuck, deadline in ms, topic, then for each job:
--   number, id, body, due ms or '', expiry ms or '', attempts
local topic, limit, lease_ms, token = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local skip, promote_limit, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local ready, call, pcall = READY .. topic, redis.call, redis.pcall
expect_type(ready, 'list')
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')

local now = now_ms()

-- The same token again means that the answer was lost on its way: give the same one.
local deadline = call('ZSCORE', RESERVED, token)
local packed = deadline and call('GET', INFLIGHT .. token)
if packed then return { 0, -1, 0, from_score(deadline), unpack(cmsgpack.unpack(packed)) } end

local back = reclaim(now, promote_limit)
local done = promote(now, skip, promote_limit)

local ids = call('LRANGE', ready, -limit, -1)
local in_pool = #ids > 0 and call('ZMSCORE', POOL, unpack(ids)) or {}
local due_times = #ids > 0 and call('HMGET', READY_DUE, unpack(ids)) or {}
local looked_at, bytes, seen, buckets, rows, n = 0, 0, {}, {}, { topic }, 1

-- An entry is stale when its job has expired, was pushed anew and is to come by the pool, belongs to
-- another topic by now, or stands in the list twice.
for i = #ids, 1, -1 do
  local id = ids[i]
  if not in_pool[i] and not seen[id] then
    local bucket = BUCKET .. id
    local job = pcall('HMGET', bucket, 'topic', 'body', 'attempts')
    local body = job[2]
    if job[1] == topic and body then
      if bytes > 0 and bytes + #body > most_bytes then break end
      bytes = bytes + #body
      seen[id] = true
      buckets[#buckets + 1] = bucket
      rows[n + 1], rows[n + 2], rows[n + 3] = #buckets, id, body
      local expires_at = expiry_of(bucket, now)
      rows[n + 4], rows[n + 5] = noted_due(due_times[i], expires_at), expires_at
      rows[n + 6] = (tonumber(job[3]) or 0) + 1
      n = n + 6
    end
  end
  looked_at = looked_at + 1
end

if looked_at > 0 then
  call('LTRIM', ready, 0, -looked_at - 1)
  call('HDEL', READY_DUE, unpack(ids, #ids - looked_at + 1))
end
if #buckets > 0 then
  call('UNLINK', unpack(buckets))
  call('SET', INFLIGHT .. token, cmsgpack.pack(rows))
  call('ZADD', RESERVED, to_score(now + lease_ms), token)
end

local more = done.more or back.more or looked_at > #buckets
return { more and 1 or 0, next_in(now) or -1, done.stuck, now + lease_ms, unpack(rows) }
