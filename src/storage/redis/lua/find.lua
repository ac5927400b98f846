-- Finds a job by its id, outside the leases and the dead letters.
-- include: keys, time, note, memo
-- ARGV: id, how many entries of its ready list to look through from either end
-- Answers: nothing, or state, topic or '', body or '', due ms or '', expiry ms or '', attempts, how many
--   ready jobs come before it or -1, type of a key that stands in the place of its ready list or ''
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
local id, depth = ARGV[1], ARGV[2]
local bucket, score = BUCKET .. id, redis.call('ZSCORE', POOL, id)
local job = fields(bucket, 'topic', 'body', 'delayer') or {}
local now = now_ms()

-- A job that expired while it was ready has left no more than its place in the list.
local function find_expired()
  local note = redis.call('HGET', READY_DUE, id)
  local place, expires_at = read_note(note)
  local topic = noted_topic(note)
  if not place or type_of(READY .. topic) ~= 'list' then return {} end
  if not redis.call('LPOS', READY .. topic, id, 'RANK', -1, 'MAXLEN', depth) then return {} end
  return { 'expired', topic, '', from_score(place), expires_at, 0, -1, '' }
end

if not score and not job[1] then return find_expired() end
local expires_at = expiry_of(bucket, now)
local note = redis.call('HGET', READY_DUE, id)
local due = score and from_score(score) or noted_due(note, expires_at)
local state = 'expired'
if job[1] and not is_expired(expires_at, now) then
  state = not score and 'ready' or (from_score(score) > now and 'delayed' or 'due')
end
local ahead, found = -1, job[1] and type_of(READY .. job[1]) or 'none'
if state == 'ready' and found == 'list' then
  local place = redis.call('LPOS', READY .. job[1], id, 'RANK', -1, 'MAXLEN', depth)
  if place then ahead = redis.call('LLEN', READY .. job[1]) - 1 - place end
end
local attempts = job[1] and job[2] and read_memo(bucket, job[3], note, expires_at, job[1], job[2]) or 0
return { state, job[1] or '', job[2] or '', due, expires_at, attempts, ahead,
  (found == 'list' or found == 'none') and '' or found }
