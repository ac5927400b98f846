-- needs: keys, time, note

-- What delayer keeps with a job in the original's bucket is one packed field, `delayer`: version,
-- attempts, ready lifetime in ms or '', due ms or '', expiry in ms or '', topic, SHA-1 of the body, extras
-- (lib/extras.lua) or ''. It counts only while due time, expiry, topic and body are those that it names: what
-- another client writes under the id is a new job, whatever fields it left.
local MEMO, FEWEST = 8, 6

local function write_memo(attempts, ttl, due, expires_at, topic, body, extras)
  return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, due, expires_at, topic, redis.sha1hex(body), extras })
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

-- Without PEXPIRETIME an expiry is off by a millisecond now and then.
local function is_same_expiry(noted, expires_at)
  return noted == expires_at
    or (type(noted) == 'number' and expires_at ~= '' and math.abs(noted - expires_at) <= 1)
end

-- Attempts, ready lifetime (ms, or '' where it is expiry less due time) and extras or '' of a job. `due` is '' where
-- nobody knows it: an original daemon has made the job ready.
local function read_memo(bucket, memo, note, due, expires_at, topic, body)
  if not memo then return old_attempts(bucket, note, expires_at), '', '' end
  local parts = unpack_array(memo)
  if not parts or not is_version(parts[1]) or #parts < FEWEST then return 0, '', '' end
  expect_version(bucket, parts[1])
  if #parts < MEMO or type(parts[8]) ~= 'string' then return 0, '', '' end
  if not is_same_expiry(parts[5], expires_at) or (due ~= '' and parts[4] ~= due) then return 0, '', '' end
  if parts[6] ~= topic or parts[7] ~= redis.sha1hex(body) then return 0, '', '' end
  local ttl = is_time_or_none(parts[3]) and parts[3] or ''
  -- Who does not know the due time cannot make the lifetime of it.
  if ttl == '' and due == '' and type(parts[4]) == 'number' and parts[5] ~= '' then ttl = parts[5] - parts[4] end
  return to_count(parts[2]), ttl, parts[8]
end
