-- needs: keys, time, extras, policy, note, memo, bounds, mark, known, entry, record, schedule, line, waiting, comeback,
--   dead

-- When the id is free, the first of the jobs that wait for it comes back.
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

-- A record that no version wrote, or a key of a wrong type in its place, is left alone and looked at again after so
-- long (ms): it blocks nothing, and views show it.
local UNREADABLE_RETRY_MS = 60000

-- Adds the attempt to the history of a job whose lease has ended. Answers why it is dead, or nil when its policy
-- leaves a retry.
local function end_lease(job, policy, ended)
  if job.policy == HOLD then
    take_back(job)
    return nil
  end
  local history, times = end_attempt(job, ended, 'lease_ended', '', '', ''), 0
  if has_retry_left(job, policy) then return nil end
  for i = 4, #history, ATTEMPT do
    if history[i] == 'lease_ended' then times = times + 1 end
  end
  return 'its lease ended ' .. (times == 1 and 'once' or times .. ' times')
end

-- The record is deleted last: if an ACL forbids one of these commands, a job comes back twice at worst. To `buried`
-- are added id, topic and reason of each dead letter.
local function bring_back_record(name, now, ended, buried)
  local record, jobs, dead = load_record(name), {}, {}
  if not record then
    if redis.call('EXISTS', INFLIGHT .. name) == 1 then
      redis.call('ZADD', RESERVED, to_score(now + UNREADABLE_RETRY_MS), name)
    else
      redis.call('ZREM', RESERVED, name)
    end
    return 0, 0
  end
  local policy, kept = read_policy(record.policy), {}
  for _, row in ipairs(record.rows) do
    local job = job_of(record, name, row)
    kept[row] = row[9]
    local reason = end_lease(job, policy, ended)
    if reason then dead[#dead + 1] = { job = job, reason = reason } else jobs[#jobs + 1] = job end
  end
  local done = bring_back(jobs, now)
  local stuck = done.stuck
  for _, letter in ipairs(dead) do
    local row = letter.job.row
    if can_bury(row[2]) then
      bury(letter.job, letter.reason, now, delete_time(now, policy[4]))
      for _, value in ipairs({ row[2], letter.job.topic, letter.reason }) do buried[#buried + 1] = value end
    else
      stuck[#stuck + 1] = row
    end
  end
  -- Their leases end when they can leave their record.
  for _, row in ipairs(stuck) do row[9] = kept[row] end
  keep_rows(name, record, stuck)
  if #stuck > 0 then redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), name) end
  return done.back, done.waiting + #stuck
end

-- Bringing back a job takes as long as promoting so many.
local JOBS_OF_RETURN = 6

-- Brings back, or buries, the jobs of reservations whose lease has ended, and brings back jobs that waited for
-- another one of their id. Stops after `limit` jobs, a megabyte, or half of the moves in line that a run may make; a
-- record is handled whole.
local function reclaim(now, limit)
  local done, bytes = { reclaimed = 0, waiting = 0, buried = {}, more = false }, 0
  local names = redis.call('ZRANGEBYSCORE', RESERVED, '-inf', due_by(now), 'WITHSCORES', 'LIMIT', 0, limit)
  done.more = #names == 2 * limit
  if #names > 0 then allow_writes() end
  for i = 1, #names, 2 do
    local name, ended = names[i], from_score(names[i + 1])
    local count = done.reclaimed + done.waiting + #done.buried / 3
    if count >= limit or bytes > MOST_BYTES or moves_left < MOST_BEFORE / 2 then
      done.more = true
      break
    end
    bytes = bytes + bytes_of(name)
    local id = waiting_id(name)
    local back, waiting
    if id then
      back, waiting = bring_back_waiting(id, now)
    else
      back, waiting = bring_back_record(name, now, ended, done.buried)
    end
    done.reclaimed, done.waiting = done.reclaimed + back, done.waiting + waiting
  end
  return done
end
