-- needs: time

-- How late jobs were made ready at `now`: how many in each class, by upper bounds in ms, and above the last one; then
-- the sum, and how late the latest was, in ms. `due` has ids and scores in rising order; `ids` are those of them that
-- were made ready, in the same order.
local function lateness_of(due, ids, now, bounds)
  local class, counts, sum = #bounds + 1, {}, 0
  for i = 1, class do counts[i] = 0 end
  local n, late, latest, last_score = 1, 0, 0, nil
  for i = 1, #due, 2 do
    if due[i] == ids[n] then
      local score = due[i + 1]
      -- Jobs that fall due in one burst are equally late, and there may be many of them.
      if score ~= last_score then
        last_score, late = score, math.max(0, now - from_score(score))
        while class > 1 and late <= bounds[class - 1] do class = class - 1 end
        latest = math.max(latest, late)
      end
      counts[class] = counts[class] + 1
      n, sum = n + 1, sum + late
    end
  end
  counts[#counts + 1], counts[#counts + 2] = sum, latest
  return counts
end
