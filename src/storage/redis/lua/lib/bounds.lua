-- needs: keys

-- How many bytes of bodies one run reads, but at least one body; with the number of jobs this limits its time.
local MOST_BYTES = 1048576

-- LREM and LPOS walk a list, at some 15 ns an entry with an id of up to a hundred bytes, and in proportion more with
-- a longer one. A run walks so many entries in all; an entry with a longer id counts as several.
local walk_budget, SHORT_ID_BYTES = 250000, 100

-- As how many entries walking this part of a list counts: ids at its ends and in its middle show how long they are.
local function walk_cost(ready, entries)
  if entries < 100 then return entries end
  local bytes, sampled = 0, 0
  local middle = math.floor(redis.call('LLEN', ready) / 2)
  for _, first in ipairs({ 0, middle, -3 }) do
    for _, id in ipairs(redis.call('LRANGE', ready, first, first + 2)) do
      bytes, sampled = bytes + #id, sampled + 1
    end
  end
  return entries * math.max(1, bytes / sampled / SHORT_ID_BYTES)
end

-- May this run walk so many entries? If so, they are taken from its budget.
local function may_walk(ready, entries)
  local cost = walk_cost(ready, entries)
  if cost > walk_budget then return false end
  walk_budget = walk_budget - cost
  return true
end

-- May this run read so many entries? Reading takes some 0.3 µs each, and in proportion more with longer ids.
local function may_read(ready, entries)
  return walk_cost(ready, entries) <= 5000
end

-- Is the id in that ready list? `unsure` if a search would take too long.
local function is_in_ready_list(id, topic, unsure)
  local ready = READY .. topic
  if type_of(ready) ~= 'list' then return false end
  if not may_walk(ready, redis.call('LLEN', ready)) then return unsure end
  return redis.call('LPOS', ready, id) ~= false
end
