-- needs: keys, time, note, memo, bounds, mark, known, entry, record, schedule, line, waiting

-- How jobs come back from a consumer: ready at their old place, or delayed when they are due later.

-- Can the job go back to the queue? Not while another one of its id is in it, nor while its ready list is of a wrong
-- type.
local function can_come_back(job, now)
  if is_taken(BUCKET .. job.row[2], now) then return false end
  return is_list_or_none(READY .. job.topic)
end

-- The attempt that was under way does not count.
local function take_back(job)
  job.row[6] = math.max(0, job.row[6] - 1)
  job.is_held = job.policy == HOLD
end

-- The memo holds what due time and expiry do not show: at least the key.
local function write_bucket(job, expires_at)
  local row = job.row
  local id, body, attempts = row[2], row[3], row[6]
  local bucket = BUCKET .. id
  redis.call('HSET', bucket, 'topic', job.topic, 'body', body)
  local due = row[4] == '' and row[7] ~= '' and from_score(row[7]) or row[4]
  local memo = write_memo(attempts, ttl_of(row), due, expires_at, job.topic, body, row[9])
  redis.call('HSET', bucket, 'delayer', memo)
  if expires_at ~= '' then
    redis.call('PEXPIREAT', bucket, expires_at)
  else
    -- The bucket of the former job of its id may still exist, in the millisecond in which it expires.
    redis.call('PERSIST', bucket)
  end
end

-- The expiry of the job from now on, and whether it goes to the pool: it does when it is retried, or due later.
local function plan(job, now)
  local due, expires_at = job.row[4], job.row[5]
  -- A retried job has a new due time, from which its whole lifetime counts.
  if job.is_retried or (due ~= '' and due > now) then return expires_at, true end
  return shifted_expiry(expires_at, away_since(job), now), false
end

-- The score of a job that goes back to the pool, and whether it is the first there now.
local function place_in_pool(job, now)
  local due, place = job.row[4], job.row[7]
  local score, is_first = score_in_order(due, now)
  if not job.is_held or place == '' then return score, is_first end
  return plain_score(string.format('%.17g', place)), is_first
end

-- Brings jobs back (`row` with the attempts to be kept; `is_retried` for those that failed), and lets those
-- wait that cannot come now. Answers
--   back     how many came back
--   waiting  how many wait
--   due, is_first  when the first of those is due that came back as delayed, and whether no other is due before
--   stuck    rows of jobs that cannot even wait: the key to wait under is of a wrong type
--
-- A job's entry comes before its bucket: where a user may not run one of these commands, there is an entry
-- without a bucket, which is passed over, and the record still has the job.
local function bring_back(jobs, now)
  local done, lines, buckets = { back = 0, waiting = 0, due = math.huge, is_first = false, stuck = {} }, {}, {}
  local seen = {}
  for _, job in ipairs(jobs) do
    local row = job.row
    local id, due = row[2], row[4]
    if seen[id] or not can_come_back(job, now) then
      if let_wait(job, now) then
        done.waiting = done.waiting + 1
      else
        done.stuck[#done.stuck + 1] = row
      end
    else
      local expires_at, is_delayed = plan(job, now)
      seen[id] = true
      buckets[#buckets + 1] = { job = job, expires_at = expires_at }
      redis.call('ZREM', POOL, id)
      if is_delayed then
        local score, is_first = place_in_pool(job, now)
        redis.call('ZADD', POOL, score, id)
        leave_all_lists(id, job.topic)
        if due < done.due then done.due, done.is_first = due, is_first end
      else
        end_older_notes({ id })
        lines[job.topic] = lines[job.topic] or {}
        table.insert(lines[job.topic], { id = id, place = row[7] })
        redis.call('HSET', READY_DUE, id, write_note(place_to_text(row[7], due), expires_at, job.topic))
      end
    end
  end
  for topic, entries in pairs(lines) do put_in_line(topic, entries) end
  for _, bucket in ipairs(buckets) do write_bucket(bucket.job, bucket.expires_at) end
  done.back = #buckets
  return done
end
