-- Gives a job that is delayed, due or ready another body or ready lifetime, in its place.
-- include: keys, time, note, memo, bounds, mark, known, holes, clear, leave, lookup
-- ARGV: msgpack of what clear_entries.lua has found, or '' (see push.lua), its guard (lib/lookup.lua), whether there is
--   a new body (0 or 1), the new body, ready lifetime in ms or ''
-- Answers: the topic of the list that was not looked through, or ''; whether the job was edited (0 or 1), or -1 where
--   its ready lifetime would be over already; what it was (delayed, due, ready, expired, dead or none)
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
local id, states, wanted_due, wanted_expiry = ARGV[2], ARGV[3], tonumber(ARGV[4]) or '', tonumber(ARGV[7]) or ''
local new_body, ttl = ARGV[8] == '1' and ARGV[9], tonumber(ARGV[10]) or ''
local bucket, now = BUCKET .. id, now_ms()
look_for({ id }, read_cleared(ARGV[1]))

local it = look_up(id, now, '', true)
if it.unclear then return { it.unclear, 0, 'none' } end
local state = told_state(id, it)
if not is_meant(id, it, states, wanted_due, ARGV[5], ARGV[6], wanted_expiry) then return { '', 0, state } end

local body, memo = unpack(redis.call('HMGET', bucket, 'body', 'delayer'))
local note = redis.call('HGET', READY_DUE, id)
local due = it.due or ''
local attempts, kept_ttl, extras = read_memo(bucket, memo, note, due, it.expires_at, it.topic, body)

-- The time for which the lifetime of the job stood still while it was leased is kept. When its due time is unknown,
-- the new lifetime counts from now. It never begins before the due time, whatever expiry an import has given the job.
local function new_expiry()
  if ttl == '' then return it.written_expiry end
  local begin = due ~= '' and due or now
  if it.expires_at ~= '' and kept_ttl ~= '' then
    begin = math.max(it.expires_at - kept_ttl, due ~= '' and due or 0)
  end
  return begin + ttl
end

local written_expiry = new_expiry()
local expires_at = within_bounds(written_expiry)
if is_expired(expires_at, now) then return { '', -1, state } end

-- The first write is one that Redis refuses when it is out of memory, so that nothing is done then.
if new_body then redis.call('HSET', bucket, 'body', new_body) end
if memo or attempts > 0 or due == '' then
  -- After a lease, and when the due time is unknown, the lifetime is not expiry less due time.
  local told_ttl = ttl ~= '' and (kept_ttl ~= '' or due == '') and ttl or kept_ttl
  local packed = write_memo(attempts, told_ttl, due, expires_at, it.topic, new_body or body, extras)
  redis.call('HSET', bucket, 'delayer', packed)
end
if written_expiry ~= it.written_expiry then
  redis.call('PEXPIREAT', bucket, to_text(written_expiry))
  local place = read_note(note)
  if state == 'ready' and noted_place(note, it.written_expiry) ~= '' then
    redis.call('HSET', READY_DUE, id, write_note(place, written_expiry, it.topic))
  end
end
return { '', 1, state }
