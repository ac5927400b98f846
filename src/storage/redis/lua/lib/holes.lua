-- needs: keys, time, note, bounds, known

-- Those of the indexes, from the left and in rising order, that are the last of a list go at once. Answers how many
-- these are.
local function trim_end(ready, entries, indexes)
  local count, trimmed = #indexes, 0
  while trimmed < count and indexes[count - trimmed] == entries - 1 - trimmed do trimmed = trimmed + 1 end
  if trimmed > 0 then redis.call('LTRIM', ready, 0, -trimmed - 1) end
  return trimmed
end

-- An entry is taken out from the middle of a long list by writing an empty id over it, for no job has one, and
-- then removing that where it is near enough to an end; else it stays as a hole, which is passed over.
-- Answers how many entries the list has less. `indexes` are from the left, in rising order.
local function take_out(topic, indexes)
  local ready = READY .. topic
  if #indexes == 0 then return 0 end
  local entries = redis.call('LLEN', ready)
  local was_known = is_marked(topic, entries)
  local trimmed, removed = trim_end(ready, entries, indexes), 0
  local count = #indexes - trimmed
  for i = 1, count do redis.call('LSET', ready, indexes[i], '') end
  if count > 0 then
    local from_left, from_right = indexes[count] + 1, entries - trimmed - indexes[1]
    if may_walk(ready, math.min(from_left, from_right)) then
      removed = redis.call('LREM', ready, from_left <= from_right and count or -count, '')
    end
  end
  if was_known then know_list(topic, entries) end
  return removed + trimmed
end
