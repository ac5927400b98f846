-- needs: keys, time

-- A ZSET orders equal scores by member. Jobs due in the same millisecond keep the order of pushing all
-- the same: each gets one microsecond more than the last of them, up to 999; later ones tie.
-- For each due time: its text, the microseconds of its last job (-1 for none) and `is_first`, see below.
local by_due = {}

local function look_at_due(due, now)
  local text, from = to_score(due), to_score(math.min(due, now + 1))
  local last = look('zset', 'ZREVRANGEBYSCORE', POOL, text .. '999', from, 'WITHSCORES', 'LIMIT', '0', '1')[2]
  local micros = last and math.floor(tonumber(last) * 1000000 + 0.5) - due * 1000 or -1
  return { text = text, micros = math.max(micros, -1), is_first = due <= now or not last }
end

-- The score of a job that is to be added now, and whether it is the first from now on: whoever waits for the next
-- due time has to know then (lib/wake.lua). Due jobs that are stuck do not count.
local function score_in_order(due, now)
  local line = by_due[due]
  if not line then
    line = look_at_due(due, now)
    by_due[due] = line
  end
  line.micros = math.min(line.micros + 1, 999)
  return line.text .. (line.micros == 0 and '000' or string.format('%03d', line.micros)), line.is_first
end
