-- needs: keys, time, note

-- What delayer keeps with a job in the original's bucket is one packed field, `delayer`: version,
-- attempts, ready lifetime in ms or '', expiry in ms or '', topic, SHA-1 of the body. It counts only while
-- expiry, topic and body are those that it names: what another client writes under the id is a new job,
-- whatever fields it left.

local function write_memo(attempts, ttl, expires_at, topic, body)
  return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end

-- The first release had a field `attempts`, which another client's push leaves where it is: it counts
-- while that release's note speaks of the job.
local function old_attempts(bucket, note, expires_at)
  if not is_old_note(note) or noted_place(note, expires_at) == '' then return 0 end
  return tonumber(redis.call('HGET', bucket, 'attempts')) or 0
end

-- Attempts and ready lifetime (ms, or '' where it is expiry less due time) of a job.
local function read_memo(bucket, memo, note, expires_at, topic, body)
  if not memo then return old_attempts(bucket, note, expires_at), '' end
  local ok, memo_fields = pcall(cmsgpack.unpack, memo)
  if not ok or type(memo_fields) ~= 'table' then return 0, '' end
  expect_version(bucket, memo_fields[1])
  local expiry = memo_fields[4]
  local same_expiry = expiry == expires_at
    or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
  if not same_expiry or memo_fields[5] ~= topic then return 0, '' end
  if memo_fields[6] ~= redis.sha1hex(body) then return 0, '' end
  return memo_fields[2], memo_fields[3]
end
