-- needs: keys, time, note

-- Another client's pop leaves the note of its job behind in READY_DUE. A random sample is looked at
-- after each step, and more as long as many of it are left over, up to twice as many as the step has
-- added: the hash stays within a fraction of the ready jobs without ever being walked.
local FORGET_AT_LEAST = 100

local function forget_notes(added)
  local most, sample, looked_at = math.max(FORGET_AT_LEAST, 2 * added), 10, 0
  while looked_at < most do
    local left_over = {}
    for _, id in ipairs(redis.call('HRANDFIELD', READY_DUE, sample)) do
      if redis.call('EXISTS', BUCKET .. id) == 0 then left_over[#left_over + 1] = id end
    end
    if #left_over > 0 then redis.call('HDEL', READY_DUE, unpack(left_over)) end
    if #left_over < 0.3 * sample then return end
    looked_at, sample = looked_at + sample, 50
  end
end

-- The due jobs of the pool and their scores, behind the first `skip`. By rank, for an offset in a range of
-- scores is walked.
local function due_jobs(now, skip, limit)
  if skip == 0 then
    return redis.call('ZRANGEBYSCORE', POOL, '-inf', due_by(now), 'WITHSCORES', 'LIMIT', 0, limit)
  end
  local jobs = redis.call('ZRANGE', POOL, skip, skip + limit - 1, 'WITHSCORES')
  while #jobs > 0 and from_score(jobs[#jobs]) > now do
    jobs[#jobs], jobs[#jobs - 1] = nil, nil
  end
  return jobs
end

-- Moves up to `limit` due jobs to the ready lists of their topics, in order of due time, beginning
-- after the first `skip` of them. A job without a bucket has expired and is cleared away. A job whose
-- bucket or ready list is of a wrong type is left where it is: all types are looked at before the
-- first write, for a script is not rolled back.
local function promote(now, skip, limit)
  local due = due_jobs(now, skip, limit)
  local done = { promoted = 0, expired = 0, stuck = 0, more = #due == 2 * limit }
  local expired, topics, ids_of, notes = {}, {}, {}, {}
  for i = 1, #due, 2 do
    local id = due[i]
    local bucket = BUCKET .. id
    -- A string, false when there is none, or a table with an error when the key is no hash.
    local topic = redis.pcall('HGET', bucket, 'topic')
    local usable = type(topic) == 'string'
    if usable and not ids_of[topic] then
      ids_of[topic] = { usable = is_list_or_none(READY .. topic) }
      topics[#topics + 1] = topic
    end
    if not topic then
      expired[#expired + 1] = id
    elseif not usable or not ids_of[topic].usable then
      done.stuck = done.stuck + 1
    else
      local ids = ids_of[topic]
      ids[#ids + 1] = id
      notes[#notes + 1] = id
      notes[#notes + 1] = write_note(due[i + 1], expiry_of(bucket, now), topic)
    end
  end
  -- Removing comes first: it is allowed when Redis is out of memory, and so is what follows it. Where all
  -- go, they are the first of the pool, and one call removes them.
  local all = skip == 0 and done.stuck == 0 and #due > 0
  local removed = all and redis.call('ZREMRANGEBYRANK', POOL, 0, #due / 2 - 1) == #due / 2
  if all then
    done.expired = removed and #expired or 0
  elseif #expired > 0 then
    done.expired = redis.call('ZREM', POOL, unpack(expired))
  end
  for _, topic in ipairs(topics) do
    local ids = ids_of[topic]
    if #ids > 0 and (removed or (not all and redis.call('ZREM', POOL, unpack(ids)) == #ids)) then
      redis.call('LPUSH', READY .. topic, unpack(ids))
      done.promoted = done.promoted + #ids
    end
  end
  if #notes > 0 then
    redis.call('HSET', READY_DUE, unpack(notes))
    forget_notes(#notes / 2)
  end
  return done
end
