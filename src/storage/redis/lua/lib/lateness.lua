-- needs: time

-- How late jobs were made ready at `now`: how many in each class, by upper bounds in ms, and above the last one; then
-- the sum, and how late the latest was, in ms. `due` has ids and scores in rising order; `ids` are those of them that
-- were made ready, in the same order.
local function lateness_of(due, ids, now, bounds)
  local class, counts, sum = #bounds + 1, {}, 0
  for i = 1, class do counts[i] = 0 end
  -- Jobs that fell due in one burst are equally late, and there are many of them.
  local first = #ids > 0 and math.max(0, now - from_score(due[2])) or 0
  local are_equal = #ids * 2 == #due and #ids > 0 and math.max(0, now - from_score(due[#due])) == first
  local n, latest = 1, 0
  for i = 1, #due, 2 do
    if due[i] == ids[n] then
      local late = are_equal and first or math.max(0, now - from_score(due[i + 1]))
      while class > 1 and late <= tonumber(bounds[class - 1]) do class = class - 1 end
      local count = are_equal and #ids or 1
      counts[class] = counts[class] + count
      n, sum, latest = n + count, sum + late * count, math.max(latest, late)
      if are_equal then break end
    end
  end
  counts[#counts + 1], counts[#counts + 2] = sum, latest
  return counts
end
