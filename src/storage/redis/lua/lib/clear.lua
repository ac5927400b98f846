-- needs: keys, time, note, bounds, mark, known, holes

-- Before a job is pushed, old entries of its id have to leave the ready lists, because other clients would deliver
-- the new job early through them. A list that is too long to be searched in this run is searched in parts by the
-- caller (clear_entries.lua), which then passes on what it has found.

-- For at least this many jobs, a short list is read once for all of them.
local READ_LIST_FROM = 8

-- Reads a part of a ready list: `places` has the index of each id from the left, or an array of them.
local function read_places(list, first, last)
  local places = list.places
  for i, id in ipairs(redis.call('LRANGE', READY .. list.topic, first, last)) do
    local before, index = places[id], first + i - 1
    if not before then
      places[id] = index
    elseif type(before) == 'table' then
      before[#before + 1] = index
    else
      places[id] = { before, index }
    end
  end
end

-- An entry of such an id is that of a ready job, or of one that another client has just taken.
local function is_ready(topic, id)
  return redis.pcall('HGET', BUCKET .. id, 'topic') == topic and not read('ZSCORE', POOL, id)
end

-- What changes when a job of that id becomes ready in the list of this topic. As long as it does not, an id that was
-- searched there and not found does not stand there.
local function standing_of(topic, id)
  local note = read('HGET', READY_DUE, id) or ''
  return is_ready(topic, id) and note .. ' ' .. to_text(written_expiry_of(BUCKET .. id)) or note
end

-- What a run knows of a ready list: its length, whether all of its entries have notes, the places of entries that it
-- has read, whether it has read all, and what the caller has found there: for each id true, or the indexes of its
-- entries; and how each stood when the search began.
local function look_at_list(topic, jobs, cleared)
  local ready = READY .. topic
  local list = { topic = topic, entries = read('LLEN', ready) or 0, walked = {} }
  if cleared then list.cleared, list.standings = cleared.found, cleared.standings end
  if list.entries > SHORT_LIST then
    list.is_known = is_known(topic, list.entries)
  elseif list.entries > 0 and jobs >= READ_LIST_FROM and may_read(ready, list.entries) then
    list.places, list.is_read = {}, true
    read_places(list, 0, -1)
  end
  -- Then an id without a note is not in it.
  list.is_clear = list.entries == 0 or (list.is_known and not cleared)
  return list
end

-- What the caller has found: for each topic, id, the index of its entry from the left or -1, and how it stood when the
-- search began. By topic `found`, by id true or the indexes, and `standings`.
local function read_cleared(packed)
  local cleared = {}
  if packed == '' then return cleared end
  local values = cmsgpack.unpack(packed)
  for i = 1, #values, 4 do
    local topic, id, index = values[i], values[i + 1], values[i + 2]
    local list = cleared[topic] or { found = {}, standings = {} }
    cleared[topic], list.standings[id] = list, values[i + 3]
    local found = list.found
    if index < 0 then
      found[id] = true
    elseif type(found[id]) == 'table' then
      table.insert(found[id], index)
    else
      found[id] = { index }
    end
  end
  return cleared
end

-- Does an entry of the id stand in the list? Nil if a search would take too long.
local function stands_in(list, id, is_noted)
  if list.entries == 0 or list.walked[id] == false then return false end
  local found = list.cleared and list.cleared[id]
  if found == true then
    if list.standings[id] == standing_of(list.topic, id) then
      list.walked[id] = false
      return false
    end
    list.cleared[id] = nil
  elseif found then
    return true
  end
  if list.is_known and not is_noted then return false end
  if list.is_read then return list.places[id] ~= nil end
  if list.is_near and list.is_near(list, id) then return true end
  if list.walked[id] == nil then
    -- Twice: once to find it, and once to remove it.
    if not may_walk(READY .. list.topic, 2 * list.entries) then return nil end
    list.walked[id] = redis.call('LPOS', READY .. list.topic, id) ~= false
  end
  return list.walked[id]
end

-- The caller has found entries at these indexes from the left; later pushes have moved them to the right. Nil when
-- one of them is not near.
local MOST_MOVED, OVERLAP = 5000, 100

-- Mostly all have moved as far as the one before.
local function indexes_if_moved(ready, id, seen_at, by)
  local indexes = {}
  for i, seen in ipairs(seen_at) do
    indexes[i] = seen + by
    if indexes[i] < 0 or redis.call('LINDEX', ready, indexes[i]) ~= id then return nil end
  end
  table.sort(indexes)
  return indexes
end

local function indexes_now(list, id, seen_at)
  local ready = READY .. list.topic
  local indexes, is_there = indexes_if_moved(ready, id, seen_at, list.moved or 0), {}
  if indexes then return indexes end
  indexes = {}
  local most_moved = math.floor(MOST_MOVED * 1000 / walk_cost(ready, 1000))
  for _, seen in ipairs(seen_at) do
    local first, found = math.max(0, seen - OVERLAP), false
    for i, other in ipairs(redis.call('LRANGE', ready, first, seen + most_moved)) do
      local index = first + i - 1
      if other == id then
        if not is_there[index] then indexes[#indexes + 1] = index end
        found, is_there[index], list.moved = true, true, index - seen
      end
    end
    if not found then return nil end
  end
  table.sort(indexes)
  return indexes
end

local function take_out_near(list, id, seen_at)
  local indexes = indexes_now(list, id, seen_at)
  list.cleared[id] = nil
  if not indexes then return false end
  list.walked[id] = false
  take_out(list.topic, indexes)
  return true
end

-- Can the entries of an id be removed from the list in this run? No if a search would take too long.
local function can_leave(list, id, is_noted)
  local stands = stands_in(list, id, is_noted)
  local seen_at = stands and list.cleared and list.cleared[id]
  if not seen_at then return stands ~= nil end
  if indexes_now(list, id, seen_at) then return true end
  list.cleared[id] = nil
  return false
end

-- Removes them for good. False if a search would take too long.
local function leave_list(list, id, is_noted)
  local stands = stands_in(list, id, is_noted)
  if not stands then return stands == false end
  local seen_at = list.cleared and list.cleared[id]
  if seen_at then return take_out_near(list, id, seen_at) end
  remove_entries(id, list.topic)
  list.walked[id] = false
  if list.places then list.places[id] = nil end
  return true
end
