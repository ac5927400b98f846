-- needs: keys

-- Bytes of bodies that one run reads, at least one of them: with the number of jobs this bounds its time.
local MOST_BYTES = 1048576

-- LREM and LPOS walk a list, at some 15 ns an entry. A run walks so many entries in all; what it leaves
-- behind, reserve passes over.
local walk_budget = 300000

local function leave_ready_list(id, topic)
  local ready = READY .. topic
  if type_of(ready) ~= 'list' then return end
  local entries = redis.call('LLEN', ready)
  if entries > walk_budget then return end
  walk_budget = walk_budget - entries
  redis.call('LREM', ready, 0, id)
end

-- Is the id in that ready list? Yes, where looking would take too long.
local function is_in_ready_list(id, topic)
  local ready = READY .. topic
  if type_of(ready) ~= 'list' then return false end
  local entries = redis.call('LLEN', ready)
  if entries > walk_budget then return true end
  walk_budget = walk_budget - entries
  return redis.call('LPOS', ready, id) ~= false
end
