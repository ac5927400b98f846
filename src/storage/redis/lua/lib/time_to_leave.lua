-- needs: keys, time, note, bounds, mark, known

-- A run that moves many jobs ends before the first for which it has no time to look for old entries; the caller runs
-- it again for the rest. The first job is moved in any case.
local planned, is_first_plan, cost_of = 0, true, {}

local function cost_to_leave(topic, is_noted)
  local name = (is_noted and 'noted ' or '') .. topic
  if not cost_of[name] then
    local entries = read('LLEN', READY .. topic) or 0
    local is_passed_over = not is_noted and entries > SHORT_LIST and is_known(topic, entries)
    cost_of[name] = is_passed_over and 0 or walk_cost(READY .. topic, entries)
  end
  return cost_of[name]
end

local function has_time_to_leave(id, topic)
  local noted = noted_topic(redis.call('HGET', READY_DUE, id))
  planned = planned + (noted and cost_to_leave(noted, true) or 0)
  if noted ~= topic then planned = planned + cost_to_leave(topic, false) end
  local is_first = is_first_plan
  is_first_plan = false
  return is_first or planned <= walk_budget
end
