-- needs: keys, time, note, bounds

-- READY_KNOWN has the topics of long ready lists. Where each entry of one has its note (lib/note.lua), it has a digest
-- of the ids at the left end. While these stand there nobody but delayer has pushed, and an id without a note is not
-- in the list: a push of it need not walk the list. Short lists are walked, and have no mark. A list that became long
-- with entries that have no note is marked as such, for it is looked through only once.
local SHORT_LIST, DIGEST_IDS, HAS_UNNOTED = 1000, 8, ''

-- So many notes a run compares, at some 3 µs each: many lists may become long in one promotion. A list that has to
-- wait is looked through after a later one, unless it has become too long for that.
local NOTES_OF_A_RUN = 1500
local notes_left = NOTES_OF_A_RUN

local function digest_of(topic, first)
  return redis.sha1hex(cmsgpack.pack(redis.call('LRANGE', READY .. topic, first, first + DIGEST_IDS - 1)))
end

-- Are all entries of a long list known that stand behind its first ones?
local function is_known(topic, first)
  local digest = read('HGET', READY_KNOWN, topic)
  return digest and digest == digest_of(topic, first)
end

-- Do so many entries behind the first ones have their notes?
local function are_noted(topic, first, entries)
  local ids = redis.call('LRANGE', READY .. topic, first, first + entries - 1)
  for i = 1, #ids, 1000 do
    local last = math.min(i + 999, #ids)
    for _, note in ipairs(redis.call('HMGET', READY_DUE, unpack(ids, i, last))) do
      if noted_topic(note) ~= topic then return false end
    end
  end
  return true
end

local function mark_as_unknown(topic)
  read('HDEL', READY_KNOWN, topic)
end

local function mark_as_known(topic)
  read('HSET', READY_KNOWN, topic, digest_of(topic, 0))
end

-- Marks a list of which so many entries behind the first ones are looked at only now; the others have their notes.
local function look_through(topic, entries, first)
  local cost = walk_cost(READY .. topic, entries)
  if cost <= notes_left then
    notes_left = notes_left - cost
    if are_noted(topic, first, entries) then return mark_as_known(topic) end
  elseif cost <= NOTES_OF_A_RUN then
    return mark_as_unknown(topic)
  end
  read('HSET', READY_KNOWN, topic, HAS_UNNOTED)
end

-- Marks a list that had so many entries, all of them known if they were many, and has lost some or got others
-- with notes.
local function know_list(topic, before)
  local entries = read('LLEN', READY .. topic) or 0
  if entries <= SHORT_LIST then return mark_as_unknown(topic) end
  if before > SHORT_LIST then mark_as_known(topic) else look_through(topic, entries, 0) end
end

-- Marks a list that had so many entries before a promotion has added some with their notes at its left.
local function know_promoted(topic, before, added)
  if before + added <= SHORT_LIST then return end
  local mark = before > SHORT_LIST and read('HGET', READY_KNOWN, topic)
  if not mark then
    look_through(topic, before, added)
  elseif mark == digest_of(topic, added) then
    mark_as_known(topic)
  end
end

-- The same where they were added at its right.
local function know_led(topic, before, added)
  if before + added <= SHORT_LIST then return end
  -- The left end, by which a list is known, is as it was.
  if before > SHORT_LIST and read('HGET', READY_KNOWN, topic) then return end
  look_through(topic, before, 0)
end

-- Takes all entries of an id out of a ready list.
local function remove_entries(id, topic)
  local entries = redis.call('LLEN', READY .. topic)
  local was_known = entries > SHORT_LIST and is_known(topic, 0)
  if redis.call('LREM', READY .. topic, 0, id) > 0 and was_known then know_list(topic, entries) end
end

-- The same, where that list is one. False where looking would take too long.
local function leave_ready_list(id, topic)
  local ready = READY .. topic
  if type_of(ready) ~= 'list' then return true end
  if not may_walk(ready, redis.call('LLEN', ready)) then return false end
  remove_entries(id, topic)
  return true
end
