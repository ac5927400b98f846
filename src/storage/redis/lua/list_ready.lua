-- Reads a part of a ready list in the order of popping.
-- include: keys, time, note, memo, bounds
-- ARGV: topic, how many to pass over, how many to look at
-- Answers: now in ms, entries looked at, whether these are the last (0 or 1), then for each: id,
--   body or '', due ms or '', expiry ms or '', attempts, state (ready, expired or stale)
expect_type(READY .. ARGV[1], 'list')
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
local topic, first, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local ids = redis.call('LRANGE', READY .. topic, -first - limit, -first - 1)
local answer, bytes = { now, #ids, #ids < limit and 1 or 0 }, 0
for i = #ids, 1, -1 do
  local id = ids[i]
  local bucket = BUCKET .. id
  local job = fields(bucket, 'topic', 'body', 'delayer') or {}
  local expires_at = job[1] and expiry_of(bucket, now) or ''
  local state = 'ready'
  if redis.call('ZSCORE', POOL, id) or (job[1] and job[1] ~= topic) then
    state = 'stale'
  elseif not job[1] or is_expired(expires_at, now) then
    state = 'expired'
  end
  if state ~= 'ready' then expires_at = '' end
  local note = state == 'ready' and redis.call('HGET', READY_DUE, id)
  local due = note and noted_due(note, expires_at) or ''
  local body = state == 'ready' and job[2] or ''
  local attempts = state == 'ready' and read_memo(bucket, job[3], note, expires_at, topic, body) or 0
  for _, value in ipairs({ id, body, due, expires_at, attempts, state }) do
    answer[#answer + 1] = value
  end
  bytes = bytes + #(job[2] or '')
  if bytes > MOST_BYTES then
    answer[2], answer[3] = #ids - i + 1, i == 1 and answer[3] or 0
    break
  end
end
return answer
