-- needs: keys, time

-- When the first lease ends, in ms, or infinity.
local function first_lease_end()
  local first = look('zset', 'ZRANGE', RESERVED, '0', '0', 'WITHSCORES')[2]
  return first and from_score(first) or math.huge
end

-- Is there anything in the keys in which something may be left over (tidy.lua)?
local function is_untidy()
  return look('hash', 'HLEN', READY_DUE) > 0
    or (read('HLEN', READY_KNOWN) or 0) > 0
    or (read('HLEN', SET_ASIDE) or 0) > 0
    or (read('HLEN', PAUSED) or 0) > 0
end

-- Milliseconds until the next job is due, or a given time if that is earlier; false when nothing is to come.
local function next_in(now, earliest)
  local first = redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'WITHSCORES', 'LIMIT', '0', '1')[2]
  local at = math.min(earliest, first and from_score(first) or math.huge)
  return at < math.huge and math.max(0, at - now)
end
