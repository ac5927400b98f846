-- needs: keys, time

-- In READY_DUE stands the due time of a ready job, as its score, and, to know the job by, when it
-- expires: where another client pushed the id again, the entry speaks of the job before. The topic
-- behind them is for a job whose body is gone.
local function note_due(score, expires_at, topic)
  -- Lua writes 14 digits of a number; the year 5138 has one more.
  if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
  return score .. ' ' .. expires_at .. ' ' .. topic
end

-- The topic of a ready job that delayer promoted, or nil.
local function noted_topic(note)
  return string.match(note or '', '^[%d.]+ %d* (.*)$')
end

local function noted_due(note, expires_at)
  local score, expiry = string.match(note or '', '^([%d.]+) (%d*) ')
  if not score then return '' end
  -- Without PEXPIRETIME the expiry is off by a millisecond now and then.
  local tolerance = exact_expiry and 0 or 1
  local never = expiry == '' and expires_at == ''
  local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
  return same and from_score(score) or ''
end
