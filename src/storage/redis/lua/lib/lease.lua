-- needs: keys, time

-- While another job of the same id is alive, a job that comes back waits this long at a time.
local NAMESAKE_RETRY_MS = 1000

local function ms_or_nil(text)
  return text and text ~= '' and tonumber(text) or nil
end

-- Ends a lease with its job ready again, at the end of the list that is popped next. `handed_out` says
-- whether the attempt counts. Answers 'returned', 'expired', 'waiting' (another job of that id is
-- alive, or the ready key is of a wrong type: tried again later), or 'gone'.
local function put_back(token, now, handed_out)
  local inflight = INFLIGHT .. token
  local job = fields(inflight, 'id', 'topic', 'expires_at', 'due_at', 'attempts')
  if not (job and job[1] and job[2]) then
    redis.call('ZREM', RESERVED, token)
    return 'gone'
  end
  local id, ready, expires_at = job[1], READY .. job[2], ms_or_nil(job[3])
  if expires_at and expires_at <= now then
    redis.call('ZREM', RESERVED, token)
    redis.call('UNLINK', inflight)
    return 'expired'
  end
  local found = type_of(ready)
  if redis.call('EXISTS', BUCKET .. id) == 1 or (found ~= 'none' and found ~= 'list') then
    redis.call('ZADD', RESERVED, to_score(now + NAMESAKE_RETRY_MS), token)
    return 'waiting'
  end
  redis.call('ZREM', RESERVED, token)
  redis.call('ZREM', POOL, id)
  local attempts = tonumber(job[5]) - (handed_out and 0 or 1)
  redis.call('HDEL', inflight, 'id', 'expires_at', 'due_at', 'attempts')
  if attempts > 0 then redis.call('HSET', inflight, 'attempts', string.format('%d', attempts)) end
  redis.call('RENAME', inflight, BUCKET .. id)
  if expires_at then redis.call('PEXPIREAT', BUCKET .. id, job[3]) end
  redis.call('RPUSH', ready, id)
  if ms_or_nil(job[4]) then redis.call('HSET', READY_DUE, id, job[4]) end
  return 'returned'
end

-- Puts back up to `limit` jobs whose lease ran out. The job taken last goes first: each comes to stand
-- before the one put back ahead of it.
local function reclaim(now, limit)
  local tokens = redis.call('ZRANGEBYSCORE', RESERVED, '-inf', due_by(now), 'LIMIT', 0, limit)
  local done = { returned = 0, expired = 0, more = #tokens == limit }
  for i = #tokens, 1, -1 do
    local outcome = put_back(tokens[i], now, true)
    if done[outcome] then done[outcome] = done[outcome] + 1 end
  end
  return done
end
