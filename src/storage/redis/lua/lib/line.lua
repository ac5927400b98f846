-- needs: keys, time, note, bounds, mark, known

-- Entries at the head of a ready list among which the place of a returning one is searched; those before it have
-- returned as well. Moving so many takes a millisecond or two; with long ids fewer are moved.
local MOST_BEFORE = 5000

-- How many entries a run may move in all topics; after that only a few in each list.
local moves_left, LEAST_BEFORE = MOST_BEFORE, 250

-- The place in line of an entry, as a number. Without a note its place is unknown.
local function place_of(note)
  return read_place(read_note(note) or '') or math.huge
end

-- How many entries at the head of a ready list (its right end) stand before `place`.
local function count_before(ready, place)
  local most = math.floor(math.max(moves_left, LEAST_BEFORE) * 1000 / walk_cost(ready, 1000))
  local low, high = 0, math.min(redis.call('LLEN', ready), most)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local id = redis.call('LINDEX', ready, -1 - middle)
    if place_of(redis.call('HGET', READY_DUE, id)) < place then low = middle + 1 else high = middle end
  end
  return low
end

local function in_parts_of_1000(ids, use)
  for i = 1, #ids, 1000 do use(unpack(ids, i, math.min(i + 999, #ids))) end
end

local function append(ready, ids)
  in_parts_of_1000(ids, function(...) redis.call('RPUSH', ready, ...) end)
end

-- In the order of a list: what is delivered first stands last.
local function ids_in_order(entries)
  for i, entry in ipairs(entries) do entry.order = i end
  table.sort(entries, function(a, b)
    if a.place ~= b.place then return a.place > b.place end
    return a.order > b.order
  end)
  local ids = {}
  for i, entry in ipairs(entries) do ids[i] = entry.id end
  return ids
end

local function with_places(ids)
  local entries = {}
  in_parts_of_1000(ids, function(...)
    for _, note in ipairs(redis.call('HMGET', READY_DUE, ...)) do
      entries[#entries + 1] = { id = ids[#entries + 1], place = place_of(note) }
    end
  end)
  return entries
end

-- Puts ids, in the order of a list, before all that stand in a ready list; each has its note.
local function put_at_head(topic, ids)
  local before = redis.call('LLEN', READY .. topic)
  append(READY .. topic, ids)
  know_led(topic, before, #ids)
end

-- Puts entries ({ id, place as a number or '' }) back to their places in a ready list; each has its note.
local function put_in_line(topic, entries)
  local ready, first, last = READY .. topic, math.huge, -math.huge
  for _, entry in ipairs(entries) do
    entry.place = tonumber(entry.place) or -math.huge
    first, last = math.min(first, entry.place), math.max(last, entry.place)
  end
  local length = redis.call('LLEN', ready)
  local was_known = length <= MARKED_FROM or is_known(topic, length)
  local before = count_before(ready, last)
  moves_left = moves_left - before
  local lifted = before > 0 and redis.call('LRANGE', ready, -before, -1) or {}
  if before > 0 then redis.call('LTRIM', ready, 0, -before - 1) end
  -- Usually all entries there stand before all that return now. A returning one stands before those with the same
  -- place, because it was delivered before them.
  if before == 0 or place_of(redis.call('HGET', READY_DUE, lifted[1])) < first then
    append(ready, ids_in_order(entries))
    append(ready, lifted)
  else
    for _, entry in ipairs(with_places(lifted)) do entries[#entries + 1] = entry end
    append(ready, ids_in_order(entries))
  end
  if was_known then know_list(topic, length) end
end
