-- needs: keys, time

-- Milliseconds until the next job is due or the next lease ends, or a given time if that is earlier; false
-- when nothing is to come.
local function next_in(now, earliest)
  local first = redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  local lease = redis.call('ZRANGE', RESERVED, 0, 0, 'WITHSCORES')[2]
  local at = math.min(
    earliest,
    first and from_score(first) or math.huge,
    lease and from_score(lease) or math.huge
  )
  return at < math.huge and math.max(0, at - now)
end
