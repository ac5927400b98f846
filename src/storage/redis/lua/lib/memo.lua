-- needs: keys, time, note

-- What delayer keeps with a job in the original's bucket is one packed field, `delayer`: version,
-- attempts, ready lifetime in ms or '', expiry in ms or '', topic, SHA-1 of the body. It counts only while
-- expiry, topic and body are those that it names: what another client writes under the id is a new job,
-- whatever fields it left.
local MEMO = 6

local function write_memo(attempts, ttl, expires_at, topic, body)
  return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end

-- A count, or 0 where another writer left something else.
local function to_count(value)
  local count = tonumber(value)
  return count and count >= 0 and count <= 1e9 and math.floor(count) or 0
end

-- The first release had a field `attempts`, which another client's push leaves where it is: it counts
-- while that release's note speaks of the job.
local function old_attempts(bucket, note, expires_at)
  if not is_old_note(note) or noted_place(note, expires_at) == '' then return 0 end
  return to_count(redis.call('HGET', bucket, 'attempts'))
end

-- Attempts and ready lifetime (ms, or '' where it is expiry less due time) of a job.
local function read_memo(bucket, memo, note, expires_at, topic, body)
  if not memo then return old_attempts(bucket, note, expires_at), '' end
  local parts = unpack_array(memo)
  if not parts or not is_version(parts[1]) or #parts < MEMO then return 0, '' end
  expect_version(bucket, parts[1])
  local expiry, ttl = parts[4], parts[3]
  local same_expiry = expiry == expires_at
    or (type(expiry) == 'number' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
  if not same_expiry or parts[5] ~= topic then return 0, '' end
  if parts[6] ~= redis.sha1hex(body) then return 0, '' end
  return to_count(parts[2]), is_time_or_none(ttl) and ttl or ''
end
