-- needs: keys, time, note, memo, bounds, known, entry, record, schedule, line, waiting, comeback

-- The first of the jobs that wait for an id comes back when the id is free.
local function bring_back_waiting(id, now)
  local jobs = waiting_jobs(id)
  local first = jobs[1]
  if not first or not can_come_back(first, now) then
    end_waiting(id, {}, #jobs, now)
    return 0, #jobs
  end
  bring_back({ first }, now)
  end_waiting(id, { first }, #jobs - 1, now)
  return 1, #jobs - 1
end

-- A record that no version wrote, or a key of a wrong type in its place, is left alone, and looked at again
-- after so long (ms): it is in nobody's way, and leases show it.
local UNREADABLE_RETRY_MS = 60000

-- The record goes last: where a user may not run one of these commands, a job comes back twice at worst.
local function bring_back_record(name, now)
  local record, jobs = load_record(name), {}
  if not record then
    if redis.call('EXISTS', INFLIGHT .. name) == 1 then
      redis.call('ZADD', RESERVED, to_score(now + UNREADABLE_RETRY_MS), name)
    else
      redis.call('ZREM', RESERVED, name)
    end
    return 0, 0
  end
  for _, row in ipairs(record.rows) do jobs[#jobs + 1] = job_of(record, name, row) end
  local done = bring_back(jobs, now)
  keep_rows(name, record, done.stuck)
  if #done.stuck > 0 then redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), name) end
  return done.back, done.waiting + #done.stuck
end

-- Brings back what reservations whose lease has ended still had in hand, and what waited for another job of
-- its id. Stops after `limit` jobs or a megabyte; a record is done whole.
local function reclaim(now, limit)
  local done, bytes = { reclaimed = 0, waiting = 0, more = false }, 0
  local names = redis.call('ZRANGEBYSCORE', RESERVED, '-inf', due_by(now), 'LIMIT', 0, limit)
  done.more = #names == limit
  if #names > 0 then allow_writes() end
  for _, name in ipairs(names) do
    if done.reclaimed + done.waiting >= limit or bytes > MOST_BYTES then
      done.more = true
      break
    end
    bytes = bytes + bytes_of(name)
    local bring, what = bring_back_record, name
    if waiting_id(name) then bring, what = bring_back_waiting, waiting_id(name) end
    local back, waiting = bring(what, now)
    done.reclaimed, done.waiting = done.reclaimed + back, done.waiting + waiting
  end
  return done
end
