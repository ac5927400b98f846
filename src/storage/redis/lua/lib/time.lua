-- Times are whole milliseconds; scores are Unix seconds with a fraction, as in docs/protocol.md.
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function now_ms()
  return math.floor(now_us() / 1000)
end

-- Whole milliseconds, or '' for none, as text. Lua's own conversion of numbers takes a microsecond and gives 14
-- digits. The last text is remembered, because jobs that were pushed together mostly expire together.
local last_ms, last_text = '', ''
local function to_text(ms)
  if ms ~= last_ms then last_ms, last_text = ms, ms == '' and '' or string.format('%d', ms) end
  return last_text
end

local floor = math.floor

local function to_score(ms)
  return string.format('%d.%03d', floor(ms / 1000), ms % 1000)
end

-- Digits below a millisecond only order jobs that are due together (see lib/schedule.lua); half a microsecond makes
-- up for rounding of the score. Other clients may write any score, even infinite ones, so times are limited to the
-- years 1970 to 9999.
local LAST_MS = 253402300799999

local function from_score(score)
  local ms = floor(score * 1000 + 0.0005)
  if ms >= 0 and ms <= LAST_MS then return ms end
  return ms > LAST_MS and LAST_MS or 0
end

-- Is a score one that delayer writes? Other clients may have written 1e+300, -5 or inf.
local function plain_score(score)
  return string.find(score, '^%d[%d.]*$') and score or to_score(from_score(score))
end

-- An upper bound for scores that includes everything due within that millisecond.
local function due_by(ms)
  return '(' .. to_score(ms + 1)
end

-- Is this value of a packed record a time or a duration in ms, or '' for none?
local function is_time_or_none(value)
  return value == '' or (type(value) == 'number' and value >= 0 and value < 1e16)
end

-- When a key expires, in ms, or '' when it never does, as Redis has it: other clients may set any lifetime.
-- PEXPIRETIME is exact, and new in Redis 7. In 6.2 the rest of the time is exact only if the clock shows the same
-- millisecond before and after.
local exact_expiry = true

local function written_expiry_of(key)
  if exact_expiry then
    local at = redis.pcall('PEXPIRETIME', key)
    if type(at) == 'number' then return at >= 0 and at or '' end
    exact_expiry = false
  end
  local before, ttl
  repeat
    before, ttl = now_ms(), redis.call('PTTL', key)
  until ttl < 0 or before == now_ms()
  return ttl >= 0 and before + ttl or ''
end

-- No time that delayer returns is after the year 9999.
local function within_bounds(expires_at)
  return expires_at ~= '' and math.min(expires_at, LAST_MS) or ''
end

local function expiry_of(key)
  return within_bounds(written_expiry_of(key))
end

-- Redis keeps a key for the whole millisecond in which it expires, but the ready lifetime of the job is over then.
local function is_expired(expires_at, now)
  return expires_at ~= '' and expires_at <= now
end

-- Is there a body of that id, or another key in its place?
local function is_taken(bucket, now)
  return redis.call('EXISTS', bucket) == 1 and not is_expired(expiry_of(bucket), now)
end
