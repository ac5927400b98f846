-- needs: keys, time, extras

-- What becomes of jobs that fail, or whose lease ends, is one packed array in the head of their record, or '':
-- retries, first and last pause of the backoff in ms, how long a dead letter is kept in ms (0: for ever).
local POLICY = 4

-- { retries, first, last, dead_ttl }, or nil.
local function read_policy(packed)
  local policy = packed and packed ~= '' and unpack_array(packed)
  if not policy or #policy ~= POLICY then return nil end
  for i = 1, POLICY do
    if policy[i] == '' or not is_time_or_none(policy[i]) then return nil end
  end
  return policy
end

-- A job's own retries, and the first and the last pause of its own backoff; each nil when it has none.
local function own_settings(job)
  local extras = job.row[9] ~= '' and read_extras(job.row[9])
  if not extras or flaw_of(extras) then return nil end
  local _, retries, first, last = unpack(extras)
  return retries ~= '' and retries or nil, first ~= '' and first or nil, last ~= '' and last or nil
end

-- Is a job to be tried again? Without a policy it always is.
local function has_retry_left(job, policy)
  return not policy or job.row[6] <= (own_settings(job) or policy[1])
end

-- When a dead letter that is written now is deleted, in ms, or '' for never.
local function delete_time(now, dead_ttl)
  return dead_ttl > 0 and math.min(now + dead_ttl, LAST_MS) or ''
end
