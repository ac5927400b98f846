-- needs: keys, time, note, bounds, mark

-- If every entry of a long ready list has its own note, an id without a note is not in it, and a push need not walk it
-- (lib/mark.lua). As long as the ids at the left end stay, and the list grows by delayer alone, no other client has
-- pushed. Short lists are walked in any case. A list is marked well before it is long, when few entries have to be
-- checked. If some have no note then, it is marked as such, so that it is checked only once.
local SHORT_LIST, DIGEST_IDS = 1000, 8

-- A daemon that had looked at the pool before delayer promoted adds the same ids once more, in the same order. If
-- others have taken as many meanwhile, the length does not show it: so many entries at the left end are searched for
-- the first one.
local REPEATED_WITHIN = 250

-- Notes that a run compares, at some 2 to 4 µs each, because one promotion may have many lists to mark. A list that
-- has to wait is checked after a later promotion, unless it is too long by then.
local NOTES_OF_A_RUN = 750
local notes_left = NOTES_OF_A_RUN

local function ids_from(topic, first)
  return redis.call('LRANGE', READY .. topic, first, first + DIGEST_IDS - 1)
end

local function digest_of(ids)
  return redis.sha1hex(cmsgpack.pack(ids))
end

-- Does a mark say that all entries of a list after the first ones are known, as many as there are? If it does not any
-- more, the list is marked so, because it could look the same again after others have taken from it.
local function is_valid(mark, topic, first, entries)
  local digest, most = read_mark(mark)
  if not digest then return false end
  local ids = ids_from(topic, first)
  local is_same = entries <= most and digest == digest_of(ids)
  if is_same and redis.call('LPOS', READY .. topic, ids[1], 'RANK', 2, 'MAXLEN', first + REPEATED_WITHIN) == false then
    return true
  end
  redis.pcall('HSET', READY_KNOWN, topic, HAS_UNNOTED)
  return false
end

-- Are all entries of a long list known?
local function is_known(topic, entries)
  return is_valid(read('HGET', READY_KNOWN, topic), topic, 0, entries)
end

-- Is it a list of so many entries that has a mark, and are all of them known?
local function is_marked(topic, entries)
  return entries > MARKED_FROM and is_known(topic, entries)
end

-- Do so many entries after the first ones have their notes, and does no id stand in the list twice? A second entry
-- would stay without a note.
local function are_noted(topic, first, entries)
  local ids, seen = redis.call('LRANGE', READY .. topic, 0, -1), {}
  for _, id in ipairs(ids) do
    if seen[id] then return false end
    seen[id] = true
  end
  local last_id = math.min(first + entries, #ids)
  for i = first + 1, last_id, 1000 do
    local last = math.min(i + 999, last_id)
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
  local entries = redis.call('LLEN', READY .. topic)
  read('HSET', READY_KNOWN, topic, digest_of(ids_from(topic, 0)) .. ' ' .. entries)
end

-- Marks a list in which so many entries after the first ones are checked only now; the others have their notes.
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

-- Marks a list that had so many entries, all of them with notes if they were many, and has lost some or got others
-- with notes.
local function know_list(topic, before)
  local entries = read('LLEN', READY .. topic) or 0
  if entries <= MARKED_FROM then return mark_as_unknown(topic) end
  if before > MARKED_FROM then mark_as_known(topic) else look_through(topic, entries, 0) end
end

-- Marks the lists of topics that had so many entries before a promotion has added `ids_of` each, with their notes,
-- at the left.
local function know_promoted(before, ids_of)
  local topics, changes = {}, {}
  for topic, entries in pairs(before) do
    if entries + #ids_of[topic] > MARKED_FROM then topics[#topics + 1] = topic end
  end
  local marks = #topics > 0 and read('HMGET', READY_KNOWN, unpack(topics)) or {}
  for i, topic in ipairs(topics) do
    local mark, ids = marks[i], ids_of[topic]
    if not mark or before[topic] <= MARKED_FROM then
      look_through(topic, before[topic], #ids)
    elseif mark ~= HAS_UNNOTED then
      if is_valid(mark, topic, #ids, before[topic]) then
        changes[#changes + 1] = topic
        changes[#changes + 1] = digest_of(ids_from(topic, 0)) .. ' ' .. before[topic] + #ids
      end
    end
  end
  if #changes > 0 then read('HSET', READY_KNOWN, unpack(changes)) end
end

-- The same for entries that were added at the right, where they change nothing by which a list is recognised but its
-- length.
local function know_led(topic, before, added)
  if before + added <= MARKED_FROM then return end
  local mark = before > MARKED_FROM and read('HGET', READY_KNOWN, topic)
  if not mark then return look_through(topic, before, 0) end
  local digest, entries = read_mark(mark)
  if digest then
    read('HSET', READY_KNOWN, topic, before <= entries and digest .. ' ' .. before + added or HAS_UNNOTED)
  end
end

-- Removes all entries of an id from a ready list.
local function remove_entries(id, topic)
  local entries = redis.call('LLEN', READY .. topic)
  local was_known = is_marked(topic, entries)
  if redis.call('LREM', READY .. topic, 0, id) > 0 and was_known then know_list(topic, entries) end
end

-- The same, if the key is a list. False if a search would take too long.
local function leave_ready_list(id, topic)
  local ready = READY .. topic
  if type_of(ready) ~= 'list' then return true end
  if not may_walk(ready, redis.call('LLEN', ready)) then return false end
  remove_entries(id, topic)
  return true
end
