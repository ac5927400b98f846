-- needs: keys, time, note, bounds

-- READY_KNOWN has the topics of ready lists of some length. Where each entry of one has its note (lib/note.lua), it has
-- a digest of the ids at the left end. While these stand there nobody but delayer has pushed, and an id without a note
-- is not in the list: a push of it need not walk the list. Short lists are walked, marked or not. A list gets its mark
-- long before it is needed, for then there are few entries to look through; one that has entries without a note by
-- then is marked as such, for it is looked through only once.
local SHORT_LIST, MARKED_FROM, DIGEST_IDS, HAS_UNNOTED = 1000, 250, 8, ''

-- So many notes a run compares, at some 2 to 4 µs each: many lists may be due for their mark in one promotion. A list
-- that has to wait is looked through after a later one, unless it has become too long for that.
local NOTES_OF_A_RUN = 750
local notes_left = NOTES_OF_A_RUN

local function ids_from(topic, first)
  return redis.call('LRANGE', READY .. topic, first, first + DIGEST_IDS - 1)
end

local function digest_of(ids)
  return redis.sha1hex(cmsgpack.pack(ids))
end

-- Are all entries of a long list known?
local function is_known(topic)
  local digest = read('HGET', READY_KNOWN, topic)
  return digest and digest == digest_of(ids_from(topic, 0))
end

-- Is it a list of so many entries that has a mark, and are all of them known?
local function is_marked(topic, entries)
  return entries > MARKED_FROM and is_known(topic)
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
  read('HSET', READY_KNOWN, topic, digest_of(ids_from(topic, 0)))
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
  if entries <= MARKED_FROM then return mark_as_unknown(topic) end
  if before > MARKED_FROM then mark_as_known(topic) else look_through(topic, entries, 0) end
end

-- The ids at the left end of a list to which some were added there, one after the other.
local function ids_at_left(added, behind)
  local ids = {}
  for i = #added, math.max(1, #added - DIGEST_IDS + 1), -1 do ids[#ids + 1] = added[i] end
  for i = 1, DIGEST_IDS - #ids do ids[#ids + 1] = behind[i] end
  return ids
end

-- Marks the lists of topics that had so many entries before a promotion has added `ids_of` each, with their notes, at
-- the left.
local function know_promoted(before, ids_of)
  local topics, changes = {}, {}
  for topic, entries in pairs(before) do
    if entries + #ids_of[topic] > MARKED_FROM then topics[#topics + 1] = topic end
  end
  local marks = #topics > 0 and read('HMGET', READY_KNOWN, unpack(topics)) or {}
  for i, topic in ipairs(topics) do
    local mark, ids = marks[i], ids_of[topic]
    if not mark then
      look_through(topic, before[topic], #ids)
    elseif mark ~= HAS_UNNOTED then
      local behind = ids_from(topic, #ids)
      if mark == digest_of(behind) then
        changes[#changes + 1] = topic
        changes[#changes + 1] = digest_of(ids_at_left(ids, behind))
      end
    end
  end
  if #changes > 0 then read('HSET', READY_KNOWN, unpack(changes)) end
end

-- The same where they were added at its right.
local function know_led(topic, before, added)
  if before + added <= MARKED_FROM then return end
  -- The left end, by which a list is known, is as it was.
  if before > MARKED_FROM and read('HGET', READY_KNOWN, topic) then return end
  look_through(topic, before, 0)
end

-- Takes all entries of an id out of a ready list.
local function remove_entries(id, topic)
  local entries = redis.call('LLEN', READY .. topic)
  local was_known = is_marked(topic, entries)
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
