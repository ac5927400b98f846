-- needs: keys, time

-- A ZSET orders equal scores by member. To keep the order of pushing among jobs due in the same millisecond, each
-- gets one microsecond more than the one before, up to 999; later ones tie. For each due time this has: its text,
-- the microseconds of its last job (-1 for none) and `is_first`, see below.
local by_due = {}

local function look_at_due(due, now)
  local text, from = to_score(due), to_score(math.min(due, now + 1))
  local last = look('zset', 'ZREVRANGEBYSCORE', POOL, text .. '999', from, 'WITHSCORES', 'LIMIT', '0', '1')[2]
  local micros = last and math.floor(tonumber(last) * 1000000 + 0.5) - due * 1000 or -1
  return { text = text, micros = math.max(micros, -1), is_first = due <= now or not last }
end

-- Looks at many due times at once, of jobs ({ id, due }) that are new, or leave their places in the pool. Where much
-- else is due between these times, nothing is known by it.
local function look_at_dues(jobs, now)
  local from, to, is_moved = math.huge, 0, {}
  for i = 1, #jobs do
    local due = jobs[i].due
    if due < from then from = due end
    if due > to then to = due end
    is_moved[jobs[i].id] = true
  end
  local first, last = to_score(from), to_score(to) .. '999'
  local between = look('zset', 'ZCOUNT', POOL, first, last)
  if between > 2 * #jobs + 100 then return end
  local found = between > 0 and redis.call('ZRANGEBYSCORE', POOL, first, last, 'WITHSCORES') or {}
  local next_score = redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  local next_due = next_score and from_score(next_score) or math.huge
  for i = 1, #jobs do
    local due = jobs[i].due
    if not by_due[due] then
      by_due[due] = { text = to_score(due), micros = -1, is_first = due <= now or next_due > due }
    end
  end
  for i = 1, #found, 2 do
    local due = from_score(found[i + 1])
    local line = not is_moved[found[i]] and by_due[due]
    local micros = line and math.floor(tonumber(found[i + 1]) * 1000000 + 0.5) - due * 1000
    if line then line.micros = math.max(line.micros, micros) end
  end
end

-- The score of a job that is added now, and whether it is the first of the pool: then those who wait for the next
-- due time have to know (lib/wake.lua). Due jobs that are stuck do not count.
local function score_in_order(due, now)
  local line = by_due[due]
  if not line then
    line = look_at_due(due, now)
    by_due[due] = line
  end
  local micros = line.micros
  if micros < 0 then
    line.micros = 0
    return line.text .. '000', line.is_first
  end
  if micros < 999 then line.micros = micros + 1 end
  return line.text .. string.format('%03d', line.micros), line.is_first
end
