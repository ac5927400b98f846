-- needs: keys, time, note, bounds, mark, known, forget, entry, topics

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

-- What has gone is taken from the pool: `expired` jobs, and those that are in ready lists now. When nothing stays, they
-- are the first of the pool, and one call removes them.
local function take_from_pool(sorted, all_go)
  if all_go then return redis.call('ZREMRANGEBYRANK', POOL, 0, sorted.count - 1) end
  for _, gone in ipairs({ sorted.expired, sorted.ids }) do
    if #gone > 0 then redis.call('ZREM', POOL, unpack(gone)) end
  end
end

-- Moves due jobs, as due_jobs returned them, to the ready lists of their topics, in order of due time: up to
-- `limit`, and fewer when they are of many topics. A job without a bucket has expired and is removed. A stuck job is
-- left where it is. Answers also the topics of ready lists in which expired entries may stand (`suspects`), and the
-- ids of those that moved, in order.
local function promote(due, skip, limit, now)
  local done = { promoted = 0, expired = 0, stuck = 0, more = #due == 2 * limit, ids = {} }
  if #due == 0 then return done end
  local sorted = sort_due(due, limit)
  local ids, all_go = sorted.ids, skip == 0 and sorted.stuck == 0
  done.promoted, done.expired, done.stuck, done.ids = #ids, #sorted.expired, sorted.stuck, ids
  done.more = done.more or sorted.count < #due / 2
  -- Changes nothing. A user who may not remove jobs from the pool fails here, before any is in a list as well; and once
  -- a script has written, Redis allows its later writes even when it is out of memory.
  if all_go then redis.call('ZREMRANGEBYRANK', POOL, 1, 0) else redis.call('ZREM', POOL, '') end
  local before = {}
  if #ids > 0 then
    end_older_notes(ids)
    redis.call('HSET', READY_DUE, unpack(sorted.notes))
  end
  for _, topic in ipairs(sorted.topics) do
    local of_topic = sorted.ids_of[topic]
    if #of_topic > 0 then before[topic] = redis.call('LPUSH', READY .. topic, unpack(of_topic)) - #of_topic end
  end
  take_from_pool(sorted, all_go)
  if #ids == 0 then return done end
  see_topics(sorted.topics, now)
  know_promoted(before, sorted.ids_of)
  done.suspects, done.forgotten = forget_notes(#ids)
  return done
end
