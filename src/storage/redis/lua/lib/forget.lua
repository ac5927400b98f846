-- needs: keys, time, note, bounds

-- Another client's pop or remove leaves the note of its job in READY_DUE, and so does a job that expires in its
-- ready list. After each step a random sample of notes is checked, and further samples as long as many of their
-- notes are leftovers, up to twice as many as the step has added. So the hash is never much larger than the number
-- of ready jobs, and is never walked.
local FORGET_AT_LEAST, SAMPLE = 100, 50

-- A list in which many ids are searched is read once for all of them, which costs as much as walking it so many
-- times.
local READ_FROM, WALKS_OF_A_READ = 5, 20
local looked_for, lists_read = {}, {}

local function stands_in_list(id, topic)
  local ready = READY .. topic
  local count = (looked_for[topic] or 0) + 1
  looked_for[topic] = count
  if count == READ_FROM and may_walk(ready, WALKS_OF_A_READ * (read('LLEN', ready) or 0)) then
    local ids = {}
    for _, entry in ipairs(read('LRANGE', ready, 0, -1) or {}) do ids[entry] = true end
    lists_read[topic] = ids
  end
  if lists_read[topic] then return lists_read[topic][id] == true end
  return is_in_ready_list(id, topic, true)
end

-- Deletes the notes of a sample whose entries are gone. Answers how many notes are leftovers, and adds the topics in
-- whose lists an entry is left, or may be, to `suspects`.
local function forget_sample(sample, suspects)
  local found, buckets, forgotten, left_over = redis.call('HRANDFIELD', READY_DUE, sample, 'WITHVALUES'), {}, {}, 0
  for i = 1, #found, 2 do buckets[#buckets + 1] = BUCKET .. found[i] end
  -- Usually all have their body.
  if #buckets == 0 or redis.call('EXISTS', unpack(buckets)) == #buckets then return 0, 0 end
  for i = 1, #found, 2 do
    local id = found[i]
    if redis.call('EXISTS', BUCKET .. id) == 0 then
      left_over = left_over + 1
      local topic = noted_topic(found[i + 1])
      if topic and stands_in_list(id, topic) then
        suspects[topic] = true
      else
        forgotten[#forgotten + 1] = id
      end
    end
  end
  if #forgotten > 0 then redis.call('HDEL', READY_DUE, unpack(forgotten)) end
  return left_over, #forgotten
end

-- Answers the topics whose ready lists have entries without a body, and how many notes were deleted.
local function forget_notes(added)
  local most, sample, looked_at = math.max(FORGET_AT_LEAST, 2 * added), math.min(10, 2 * added + 1), 0
  local suspects, topics, forgotten = {}, {}, 0
  while looked_at < most do
    local left_over, gone = forget_sample(sample, suspects)
    forgotten = forgotten + gone
    if left_over < 0.3 * sample then break end
    looked_at, sample = looked_at + sample, SAMPLE
  end
  for topic in pairs(suspects) do topics[#topics + 1] = topic end
  return topics, forgotten
end
