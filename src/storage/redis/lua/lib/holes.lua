-- needs: keys, time, note, bounds, mark, known

-- Removes those of the indexes, from the left and in rising order, that are at the end of the list. Answers how many
-- these are.
local function trim_end(ready, entries, indexes)
  local count, trimmed = #indexes, 0
  while trimmed < count and indexes[count - trimmed] == entries - 1 - trimmed do trimmed = trimmed + 1 end
  if trimmed > 0 then redis.call('LTRIM', ready, 0, -trimmed - 1) end
  return trimmed
end

-- Removes entries from the middle of a long list. Each is overwritten with an empty id, which no job has; then these
-- are removed if they are near enough to an end, and otherwise stay as holes, which are skipped. Answers by how many
-- entries the list is shorter. `indexes` are from the left, in rising order.
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
