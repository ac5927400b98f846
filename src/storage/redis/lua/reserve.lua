-- Leases the jobs of a topic that are due first. To other clients this looks like a pop: the id leaves
-- the ready list, and its bucket is gone.
-- include: keys, time, due, bounds, promote, lease
-- ARGV: topic, limit, lease in ms, token, skip, promotion limit, most bytes of bodies in one answer
-- Answers: more (0 or 1), ms until the next event (or -1, also where there are jobs), stuck, deadline in
--   ms, topic, then for each job:
--   number, id, body, due ms or '', expiry ms or '', attempts
local topic, limit, lease_ms, token = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local skip, promote_limit, most_bytes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local ready, call = READY .. topic, redis.call
expect_type(ready, 'list')
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')

local now = now_ms()

-- The same token again means that the answer was lost on its way: give the same one.
local deadline = read('ZSCORE', RESERVED, token)
if deadline == nil then expect_type(RESERVED, 'zset') end
local packed = deadline and call('GET', INFLIGHT .. token)
if packed then return { 0, -1, 0, from_score(deadline), unpack(cmsgpack.unpack(packed)) } end

local back = reclaim(now, promote_limit)
local done = promote(now, skip, limit_after(back, promote_limit))

-- Dead and stale entries cost no round trip each: behind them it looks further, in windows of LATER_WINDOW,
-- until it has looked at MOST_ENTRIES.
local LATER_WINDOW, MOST_ENTRIES = 250, 1000
local looked_at, bytes, seen, buckets, rows, n, full = 0, 0, {}, {}, { topic }, 1, false
local notes_of = {}

-- An entry is stale when its job has expired, was pushed anew and is to come by the pool, belongs to
-- another topic by now, or stands in the list twice.
local function look_at(ids)
  local in_pool = call('ZMSCORE', POOL, unpack(ids))
  local notes = call('HMGET', READY_DUE, unpack(ids))
  for i = #ids, 1, -1 do
    local id = ids[i]
    if not in_pool[i] and not seen[id] then
      local bucket = BUCKET .. id
      local job = fields(bucket, 'topic', 'body', 'attempts') or {}
      local body = job[2]
      if job[1] == topic and body then
        full = #buckets == limit or (bytes > 0 and bytes + #body > most_bytes)
        if full then return end
        bytes = bytes + #body
        seen[id] = true
        buckets[#buckets + 1] = bucket
        rows[n + 1], rows[n + 2], rows[n + 3] = #buckets, id, body
        local expires_at = expiry_of(bucket, now)
        rows[n + 4], rows[n + 5] = noted_due(notes[i], expires_at), expires_at
        rows[n + 6] = (tonumber(job[3]) or 0) + 1
        n = n + 6
      end
    end
    looked_at = looked_at + 1
    if notes[i] then notes_of[#notes_of + 1] = id end
  end
end

local at_end, window = false, limit
repeat
  local ids = call('LRANGE', ready, -looked_at - window, -looked_at - 1)
  at_end = #ids < window
  if #ids > 0 then look_at(ids) end
  window = LATER_WINDOW
until at_end or full or #buckets == limit or looked_at >= MOST_ENTRIES

-- The lease comes before what it takes away: where a user may not run one of these commands, a job is
-- handed out twice at worst.
if #buckets > 0 then
  local until_score = to_score(now + lease_ms)
  if type(redis.pcall('ZADD', RESERVED, until_score, token)) == 'table' then
    allow_writes()
    call('ZADD', RESERVED, until_score, token)
  end
  call('SET', INFLIGHT .. token, cmsgpack.pack(rows))
end
if looked_at > 0 then call('LTRIM', ready, 0, -looked_at - 1) end
for i = 1, #notes_of, 1000 do call('HDEL', READY_DUE, unpack(notes_of, i, math.min(i + 999, #notes_of))) end
if #buckets > 0 then call('UNLINK', unpack(buckets)) end

local more = done.more or back.more or not at_end
-- Who has got jobs does not wait.
local next_ms = #buckets == 0 and next_in(now) or -1
return { more and 1 or 0, next_ms, done.stuck, now + lease_ms, unpack(rows) }
