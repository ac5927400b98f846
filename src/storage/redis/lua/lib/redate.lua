-- needs: keys, time, note, memo, bounds, mark, known, entry, holes, clear, leave, lookup

-- Reads what is needed to give a job of the pool (lib/lookup.lua) another due time; nil when this run has read too
-- many bytes of bodies. A memo of a later version is refused here, before anything of the job is written.
local bytes_read, NOTHING_KEPT = 0, { ttl = '' }

-- What look_up answers for a delayed job, usually found with less work, and its memo.
local function look_up_delayed(id, now, states, wanted_due)
  local bucket = BUCKET .. id
  local topic, due, memo
  if is_among(states, 'delayed') then topic, due, memo = look_at_plain(id, bucket, now, wanted_due, 'delayer') end
  if not topic then return look_up(id, now, '', false), read('HGET', bucket, 'delayer') end
  local written_expiry = written_expiry_of(bucket)
  if is_expired(written_expiry, now) then return look_up(id, now, '', false), memo end
  return {
    state = 'delayed', topic = topic, written_expiry = written_expiry, expires_at = within_bounds(written_expiry),
    due = due, score = scores[id], is_plain = true,
  }, memo
end

local function read_for_new_due(id, it, memo)
  if not memo then return NOTHING_KEPT end
  local bucket, kept = BUCKET .. id, { ttl = '' }
  local size = redis.call('HSTRLEN', bucket, 'body')
  if bytes_read > 0 and bytes_read + size > MOST_BYTES then return nil end
  bytes_read = bytes_read + size
  kept.body = redis.call('HGET', bucket, 'body')
  kept.attempts, kept.ttl, kept.extras = read_memo(bucket, memo, nil, it.due, it.expires_at, it.topic, kept.body)
  return kept
end

-- The lifetime of a job that would have expired before it was due, as other clients may write it.
local DEFAULT_TTL_MS = 604800000

-- When a job with that due time expires, as it is written: its whole ready lifetime counts from its due time. That may
-- be after the last possible time, as in a push, so that the lifetime is still known when the due time changes again.
-- An expiry at the last possible time was cut there, so the lifetime is unknown, and reaches up to there.
local function expiry_from(it, kept, due)
  if it.written_expiry == '' or (kept.ttl == '' and it.written_expiry == LAST_MS) then return it.written_expiry end
  local lifetime = kept.ttl ~= '' and kept.ttl or it.written_expiry - it.due
  return due + (lifetime > 0 and lifetime or DEFAULT_TTL_MS)
end

-- Removes what is left in ready lists of the id of a job of the pool (lib/entry.lua).
local function leave_old_entries(id, it)
  if it.note then forget_old_entry(id) end
  local list = list_seen(it.topic)
  if it.is_plain and list.entries == 0 then return end
  if list.is_clear or list.is_out_of_reach or (list.is_read and not list.places[id]) then return end
  list.is_out_of_reach = not leave_unnoted(id, it.topic)
end

-- Attempts, settings, key and history stay.
local function write_new_due(id, it, kept, due, written_expiry)
  local bucket = BUCKET .. id
  if written_expiry ~= '' then redis.call('PEXPIREAT', bucket, to_text(written_expiry)) end
  if kept.body then
    local expires_at = within_bounds(written_expiry)
    local memo = write_memo(kept.attempts, kept.ttl, due, expires_at, it.topic, kept.body, kept.extras)
    redis.call('HSET', bucket, 'delayer', memo)
  end
end
