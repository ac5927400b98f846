-- needs: keys, time

-- When the first lease ends, in ms, or infinity; nil when `ask` answers nil (it is called like `look`).
local function first_lease_end(ask)
  local leases = ask('zset', 'ZRANGE', RESERVED, '0', '0', 'WITHSCORES')
  return leases and (leases[2] and from_score(leases[2]) or math.huge)
end

-- Is there anything besides notes in the keys in which leftovers may be (tidy.lua)?
local function is_untidy()
  return (read('HLEN', READY_KNOWN) or 0) > 0 or (read('HLEN', SET_ASIDE) or 0) > 0 or (read('HLEN', PAUSED) or 0) > 0
end

-- Milliseconds until a time; false when it is never.
local function wait_for(now, at)
  return at < math.huge and math.max(0, at - now)
end

-- Milliseconds until the next job is due, or a given time if that is earlier; false when nothing is to come.
local function next_in(now, earliest)
  local first = redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'WITHSCORES', 'LIMIT', '0', '1')[2]
  return wait_for(now, math.min(earliest, first and from_score(first) or math.huge))
end
