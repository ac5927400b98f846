-- needs: keys, time

-- Whoever waits for the next due time has to know of an earlier one; due jobs that are stuck do not count.
-- A user who may not publish loses no more than the early wake.
local function wake_if_next(channel, due, id, now)
  local function is_next()
    return redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'LIMIT', 0, 1)[1] == id
  end
  if id and (due <= now or is_next()) then redis.pcall('PUBLISH', channel, string.format('%d', due)) end
end
