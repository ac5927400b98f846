-- needs: keys, time, note, bounds, known

-- An entry is taken out from the middle of a long list by writing an empty id over it, for no job has one, and
-- then removing that where it is near enough to an end; else it stays as a hole, which is passed over.
-- Answers how many entries the list has less. `indexes` are from the left, in rising order.
local function take_out(topic, indexes)
  local ready, count = READY .. topic, #indexes
  if count == 0 then return 0 end
  local entries = redis.call('LLEN', ready)
  local was_known = entries > SHORT_LIST and is_known(topic, 0)
  for _, index in ipairs(indexes) do redis.call('LSET', ready, index, '') end
  local from_left, from_right = indexes[count] + 1, entries - indexes[1]
  local removed = 0
  if may_walk(ready, math.min(from_left, from_right)) then
    removed = redis.call('LREM', ready, from_left <= from_right and count or -count, '')
  end
  if was_known then know_list(topic, entries) end
  return removed
end
