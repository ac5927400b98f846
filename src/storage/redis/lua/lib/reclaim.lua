-- needs: keys, time, note, memo, bounds, record, schedule, line, comeback

-- Brings back what reservations whose lease has ended still had in hand, and what waited for another job of
-- its id. Stops after `limit` jobs or a megabyte; a record is done whole.
local function reclaim(now, limit)
  local done, bytes, seen = { reclaimed = 0, waiting = 0, more = false }, 0, 0
  local names = redis.call('ZRANGEBYSCORE', RESERVED, '-inf', due_by(now), 'LIMIT', 0, limit)
  done.more = #names == limit
  for _, name in ipairs(names) do
    if seen >= limit or bytes > MOST_BYTES then
      done.more = true
      break
    end
    bytes = bytes + bytes_of(name)
    local record, jobs = load_record(name), {}
    for _, row in ipairs(record and record.rows or {}) do
      jobs[#jobs + 1] = job_of(record, name, row)
    end
    seen = seen + #jobs
    if record then
      -- The record goes last: where a user may not run one of these commands, a job comes back twice at
      -- worst. A job that waits again has its record under the same name.
      allow_writes()
      local back = bring_back(name, jobs, now)
      done.reclaimed, done.waiting = done.reclaimed + back.back, done.waiting + back.waiting
      if back.waiting == 0 or not string.find(name, ':', 1, true) then keep_rows(name, record, {}) end
    else
      redis.call('ZREM', RESERVED, name)
    end
  end
  return done
end

-- One run does so much in all: what was brought back is promoted less. At least one job is, so that what
-- is due does not wait for what comes back.
local function limit_after(back, limit)
  return math.max(1, limit - back.reclaimed - back.waiting)
end
