-- needs: keys, time, note

-- Entries at the head of a ready list that are looked at for the place of one that comes back: those
-- before it have come back as well, and are few.
local MOST_BEFORE = 500

-- The place in line of an entry, as a number. Nobody knows whether an entry without a note stood before.
local function place_of(note)
  local score = read_note(note)
  return tonumber(score) or math.huge
end

-- Takes those entries off the head of a ready list (its right end) that stand before `place`.
local function lift_before(ready, place)
  local lifted = {}
  local first = redis.call('LINDEX', ready, -1)
  if not first or place_of(redis.call('HGET', READY_DUE, first)) >= place then return lifted end
  local ids = redis.call('LRANGE', ready, -MOST_BEFORE, -1)
  local notes = redis.call('HMGET', READY_DUE, unpack(ids))
  for i = #ids, 1, -1 do
    local before = place_of(notes[i])
    if before >= place then break end
    lifted[#lifted + 1] = { id = ids[i], place = before }
  end
  redis.call('LTRIM', ready, 0, -#lifted - 1)
  return lifted
end

-- Puts entries ({ id, place as text or '' }) into a ready list where they stood before.
local function put_in_line(topic, entries)
  local ready, last = READY .. topic, -math.huge
  for _, entry in ipairs(entries) do
    entry.place = tonumber(entry.place) or -math.huge
    last = math.max(last, entry.place)
  end
  for _, entry in ipairs(lift_before(ready, last)) do entries[#entries + 1] = entry end
  for i, entry in ipairs(entries) do entry.order = i end
  table.sort(entries, function(a, b)
    if a.place ~= b.place then return a.place > b.place end
    return a.order > b.order
  end)
  local ids = {}
  for i, entry in ipairs(entries) do ids[i] = entry.id end
  for i = 1, #ids, 1000 do redis.call('RPUSH', ready, unpack(ids, i, math.min(i + 999, #ids))) end
end
