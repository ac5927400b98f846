-- Reads a part of a ready list in the order of popping.
-- include: keys, time, note, memo, bounds
-- ARGV: topic, how many to pass over, how many to look at, the id that was the last of those that are passed over or ''
-- Answers: now in ms, entries looked at (-1 where another id stands there: nothing is looked at), whether these are the
--   last (0 or 1), then for each: id, body or '', due ms or '', expiry ms or '', attempts, ready lifetime in ms or '',
--   extras or '', what it is: ready, expired (there is no body), incomplete (of topic and body one is missing), pooled
--   (to come by the pool), other (of another topic), hole (an entry was taken out), or the type of a key in the place
--   of its body
expect_type(READY .. ARGV[1], 'list')
local topic, first, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
if ARGV[4] ~= '' and redis.call('LINDEX', READY .. topic, -first) ~= ARGV[4] then return { now, -1, 0 } end
local ids = redis.call('LRANGE', READY .. topic, -first - limit, -first - 1)
local answer, bytes = { now, #ids, #ids < limit and 1 or 0 }, 0

local function what_is(id, job, expires_at)
  if id == '' then return 'hole' end
  if read('ZSCORE', POOL, id) then return 'pooled' end
  if not job then return type_of(BUCKET .. id) end
  if not job[1] and not job[2] then return 'expired' end
  if not job[1] or not job[2] then return 'incomplete' end
  if is_expired(expires_at, now) then return 'expired' end
  return job[1] == topic and 'ready' or 'other'
end

for i = #ids, 1, -1 do
  local id = ids[i]
  local bucket = BUCKET .. id
  local job = fields(bucket, 'topic', 'body', 'delayer')
  local written_expiry = written_expiry_of(bucket)
  local expires_at = within_bounds(written_expiry)
  local is = what_is(id, job, expires_at)
  local body, due, attempts, ttl, extras = '', '', 0, '', ''
  local note = read('HGET', READY_DUE, id)
  if is == 'ready' then
    body, due = job[2], note and noted_due(note, written_expiry) or ''
    attempts, ttl, extras = read_memo(bucket, job[3], note, due, expires_at, topic, body)
  else
    expires_at = ''
  end
  for _, value in ipairs({ id, body, due, expires_at, attempts, ttl, extras, is }) do
    answer[#answer + 1] = value
  end
  bytes = bytes + #body + #extras
  if bytes > MOST_BYTES then
    answer[2], answer[3] = #ids - i + 1, i == 1 and answer[3] or 0
    break
  end
end
return answer
