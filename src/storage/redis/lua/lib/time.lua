-- Times are whole milliseconds; scores are Unix seconds with a fraction, as protocol.md has it.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function to_score(ms)
  return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end

-- The digits below a millisecond only order jobs that are due together (see lib/schedule.lua); half a
-- microsecond makes up for the score's own rounding.
local function from_score(score)
  return math.floor(tonumber(score) * 1000 + 0.0005)
end

-- An upper bound for scores that counts everything due within that millisecond.
local function due_by(ms)
  return '(' .. to_score(ms + 1)
end

-- When a key expires, in ms as text, or '' when it never does. PEXPIRETIME is exact, and new in Redis 7.
local function expiry_of(key, now)
  local at = redis.pcall('PEXPIRETIME', key)
  if type(at) == 'table' then
    local ttl = redis.call('PTTL', key)
    at = ttl >= 0 and now + ttl or -1
  end
  return at >= 0 and string.format('%d', at) or ''
end
