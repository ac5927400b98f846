-- needs: keys, time, note

-- What delayer keeps with a job in the original's bucket is one packed field, `delayer`: version, attempts, ready
-- lifetime in ms or '', due ms or '', expiry in ms or '', topic, SHA-1 of the body, extras (lib/extras.lua) or ''.
-- It counts only while due time, expiry, topic and body are those in the memo, because what another client writes
-- under the id is a new job, even if old fields are left.
local MEMO, FEWEST = 8, 6

local function write_memo(attempts, ttl, due, expires_at, topic, body, extras)
  return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, due, expires_at, topic, redis.sha1hex(body), extras })
end

-- A count, or 0 when another client has written something else.
local function to_count(value)
  local count = tonumber(value)
  return count and count >= 0 and count <= 1e9 and math.floor(count) or 0
end

-- The first release had a field `attempts`, which another client's push does not remove. It counts if a note of that
-- release belongs to the job.
local function old_attempts(bucket, note, expires_at)
  if not is_old_note(note) or noted_place(note, expires_at) == '' then return 0 end
  return to_count(redis.call('HGET', bucket, 'attempts'))
end

-- Without PEXPIRETIME an expiry may be off by a millisecond.
local function is_same_expiry(noted, expires_at)
  return noted == expires_at
    or (type(noted) == 'number' and expires_at ~= '' and math.abs(noted - expires_at) <= 1)
end

-- MAX_DURATION_MS of the core. A longer lifetime, of another client, counts as one up to the last possible time.
local LONGEST_MS = 36525 * 86400000

-- The ready lifetime of a delayed job in ms, or '' where it is expiry less due time: what its memo says, or where its
-- expiry is after the last possible time what is written.
local function lifetime_of(noted_ttl, due, written_expiry)
  if noted_ttl ~= '' or written_expiry == '' or written_expiry <= LAST_MS then return noted_ttl end
  return written_expiry - due <= LONGEST_MS and written_expiry - due or ''
end

-- Attempts, ready lifetime (ms, or '' when it is expiry less due time) and extras or '' of a job. `due` is '' when
-- it is unknown, because an original daemon made the job ready.
local function read_memo(bucket, memo, note, due, expires_at, topic, body)
  if not memo then return old_attempts(bucket, note, expires_at), '', '' end
  local parts = unpack_array(memo)
  if not parts or not is_version(parts[1]) or #parts < FEWEST then return 0, '', '' end
  expect_version(bucket, parts[1])
  if #parts < MEMO or type(parts[8]) ~= 'string' then return 0, '', '' end
  if not is_same_expiry(parts[5], expires_at) or (due ~= '' and parts[4] ~= due) then return 0, '', '' end
  if parts[6] ~= topic or parts[7] ~= redis.sha1hex(body) then return 0, '', '' end
  local ttl = is_time_or_none(parts[3]) and parts[3] or ''
  -- Without the due time, the lifetime cannot be computed from it.
  if ttl == '' and due == '' and type(parts[4]) == 'number' and parts[5] ~= '' then ttl = parts[5] - parts[4] end
  return to_count(parts[2]), ttl, parts[8]
end
