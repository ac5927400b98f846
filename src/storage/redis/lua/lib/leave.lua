-- needs: keys, time, note, bounds, mark, known, holes, clear

-- Jobs that are acted on together mostly stand together, because a scan goes through a ready list in its order. So a
-- run reads a few regions of a long list, each around the first job that is searched there. Two original daemons may
-- add a job twice, no further apart than the jobs of one of their ticks, so the other entry is seen in the region as
-- well.
local REGIONS, TICK, AROUND = 3, 2000, 100
local regions_left = REGIONS

-- `sought`: how many ids a run searches.
local function read_region(list, id, sought)
  local ready = READY .. list.topic
  local scale = 1000 / walk_cost(ready, 1000)
  local most = math.max(1, math.floor(math.min(list.entries, walk_budget / 2 * scale)))
  local index = redis.call('LPOS', ready, id, 'RANK', -1, 'MAXLEN', most)
  walk_budget = walk_budget - (index and list.entries - index or most) / scale
  if not index then return end
  -- An entry that has its note stands there once.
  local entries = sought + (list.is_known and AROUND or TICK)
  read_places(list, math.max(0, index - math.floor(entries * scale)), index + AROUND)
end

-- Is an entry of the id in a region that was read, or is read now? `list` is the state for many ids.
local function is_near(list, id)
  if not list.places[id] and regions_left > 0 then
    regions_left = regions_left - 1
    read_region(list, id, list.sought)
  end
  return list.places[id] ~= nil
end

-- Where the entries of an id stand in a list: an index from the left, or an array of indexes; true when they have to
-- be found by walking, false when there is none, and nil when the search would take too long.
local function entries_of(list, id, is_noted)
  local stands = stands_in(list, id, is_noted)
  local seen_at = stands and list.cleared and list.cleared[id]
  if not seen_at then return stands and list.places and list.places[id] or stands end
  local indexes = indexes_now(list, id, seen_at)
  if not indexes then list.cleared[id] = nil end
  return indexes
end

-- The lists that entries will leave, by topic: the indexes of these entries, and the ids that have to be found by
-- walking.
local left_lists = {}

local function will_leave(topic, id, entries)
  local group = left_lists[topic] or { indexes = {}, ids = {} }
  left_lists[topic] = group
  local indexes = group.indexes
  if type(entries) == 'number' then
    indexes[#indexes + 1] = entries
  elseif type(entries) == 'table' then
    for _, index in ipairs(entries) do indexes[#indexes + 1] = index end
  elseif entries then
    group.ids[#group.ids + 1] = id
  end
end

-- In rising order, each once: regions may overlap, and an entry in two of them has its index twice.
local function rising(indexes)
  table.sort(indexes)
  local once = {}
  for _, index in ipairs(indexes) do
    if index ~= once[#once] then once[#once + 1] = index end
  end
  return once
end

-- Removes all entries that were noted to leave. It cannot fail.
local function leave_together()
  for topic, group in pairs(left_lists) do
    take_out(topic, rising(group.indexes))
    for _, id in ipairs(group.ids) do remove_entries(id, topic) end
  end
  left_lists = {}
end
