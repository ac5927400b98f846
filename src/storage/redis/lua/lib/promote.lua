-- needs: keys, time, note, bounds, known, forget, entry, topics

-- Each topic but the first counts as some of the jobs that a run may promote, because it needs commands for its
-- list. So a batch of one topic is promoted whole.
local JOBS_OF_TOPIC = 3

-- Decides what becomes of the first `count` due jobs, as far as `limit` reaches: the ids of those that have expired,
-- the topics of those that move, ids_of each, and the notes of all of them. A job whose bucket or ready list is of a
-- wrong type is stuck. All types are checked before the first write, because Redis does not roll scripts back.
local function sort_due(due, limit)
  local expired, topics, ids_of, ids, notes, stuck, cost = {}, {}, {}, {}, {}, 0, 0
  local try = redis.pcall
  -- The first score is the least, and none is later than now, so usually all are plain numbers.
  local are_plain = tonumber(due[2]) >= 1
  local last = #due - 1
  for i = 1, last, 2 do
    if cost >= limit then
      last = i - 2
      break
    end
    local id = due[i]
    local bucket = BUCKET .. id
    -- A string, false when there is none, or a table with an error when the key is not a hash.
    local topic = try('HGET', bucket, 'topic')
    local of_topic = topic and ids_of[topic]
    if not of_topic and type(topic) == 'string' then
      of_topic = { usable = is_list_or_none(READY .. topic) }
      ids_of[topic] = of_topic
      if #topics > 0 then cost = cost + JOBS_OF_TOPIC end
      topics[#topics + 1] = topic
    end
    cost = cost + 1
    if not topic then
      expired[#expired + 1] = id
    elseif not of_topic or not of_topic.usable then
      stuck = stuck + 1
    else
      local n = #ids + 1
      of_topic[#of_topic + 1] = id
      ids[n], notes[2 * n - 1] = id, id
      local place = are_plain and due[i + 1] or plain_score(due[i + 1])
      notes[2 * n] = write_note(place, written_expiry_of(bucket), topic)
    end
  end
  return {
    count = (last + 1) / 2,
    expired = expired,
    topics = topics,
    ids_of = ids_of,
    ids = ids,
    notes = notes,
    stuck = stuck,
  }
end

-- Removing comes first: Redis allows it when it is out of memory, and then allows the writes that follow. When all
-- jobs go, they are the first of the pool, and one call removes them. Answers how many have expired, and whether all
-- were removed.
local function take_from_pool(sorted, skip)
  local expired, count = sorted.expired, sorted.count
  if skip == 0 and sorted.stuck == 0 then
    local removed = redis.call('ZREMRANGEBYRANK', POOL, 0, count - 1) == count
    return removed and #expired or 0, removed
  end
  return #expired > 0 and redis.call('ZREM', POOL, unpack(expired)) or 0, false
end

-- Moves due jobs, as due_jobs returned them, to the ready lists of their topics, in order of due time: up to
-- `limit`, and fewer when they are of many topics. A job without a bucket has expired and is removed. A stuck job is
-- left where it is. Answers also the topics of ready lists in which expired entries may stand (`suspects`), and the
-- ids of those that moved, in order.
local function promote(due, skip, limit, now)
  local done = { promoted = 0, expired = 0, stuck = 0, more = #due == 2 * limit, ids = {} }
  if #due == 0 then return done end
  local sorted = sort_due(due, limit)
  done.stuck, done.more = sorted.stuck, done.more or sorted.count < #due / 2
  if #sorted.ids > 0 then end_older_notes(sorted.ids) end
  local before = {}
  local expired, removed = take_from_pool(sorted, skip)
  done.expired = expired
  for _, topic in ipairs(sorted.topics) do
    local ids = sorted.ids_of[topic]
    if #ids > 0 and (removed or redis.call('ZREM', POOL, unpack(ids)) == #ids) then
      before[topic] = redis.call('LPUSH', READY .. topic, unpack(ids)) - #ids
      done.promoted = done.promoted + #ids
    end
  end
  if done.promoted == 0 then return done end
  done.ids = sorted.ids
  redis.call('HSET', READY_DUE, unpack(sorted.notes))
  see_topics(sorted.topics, now)
  know_promoted(before, sorted.ids_of)
  done.suspects, done.forgotten = forget_notes(done.promoted)
  return done
end
