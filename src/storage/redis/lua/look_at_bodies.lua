-- Which bodies does no key name: not the pool, no ready list, not the jobs that were set aside? An original client
-- that died between its RPOP and its DEL leaves one. A body that cannot be checked here counts as named.
-- include: keys, time, note, bounds
-- ARGV: 1 where they are to be removed, then for each its id and when it expires, in ms or '' for never, as it was seen
--   before, or 'any'. One that expires at another time was pushed anew.
-- Answers: for each of those bodies its id and when it expires

-- Entries of ready lists that a run reads, at some 0.3 µs each; a longer list is assumed to have any id.
local most_entries, lists = 5000, {}

local function ids_in(topic)
  if lists[topic] == nil then
    local ready = READY .. topic
    local entries = read('LLEN', ready)
    local cost = entries and walk_cost(ready, entries) or math.huge
    lists[topic] = false
    if cost <= most_entries then
      most_entries, lists[topic] = most_entries - cost, {}
      for _, id in ipairs(redis.call('LRANGE', ready, 0, -1)) do lists[topic][id] = true end
    end
  end
  return lists[topic]
end

local function may_stand_in(topic, id)
  local ids = topic and ids_in(topic)
  return topic and (not ids or ids[id])
end

local ids, seen = {}, {}
for i = 2, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
  seen[#seen + 1] = ARGV[i + 1]
end
local in_pool = read('ZMSCORE', POOL, unpack(ids))
local aside, notes = read('HMGET', SET_ASIDE, unpack(ids)), read('HMGET', READY_DUE, unpack(ids))

local function is_unnamed(i, id)
  -- Most jobs wait in the pool, and need no further check.
  if not in_pool or in_pool[i] or not aside or aside[i] then return false end
  local topic = redis.pcall('HGET', BUCKET .. id, 'topic')
  if type(topic) ~= 'string' then return false end
  local noted = noted_topic(notes and notes[i])
  return not may_stand_in(topic, id) and not (noted ~= topic and may_stand_in(noted, id))
end

local answer = {}
for i, id in ipairs(ids) do
  local expiry = is_unnamed(i, id) and to_text(written_expiry_of(BUCKET .. id))
  if expiry and (seen[i] == 'any' or seen[i] == expiry) then
    answer[#answer + 1] = id
    answer[#answer + 1] = expiry
  end
end
if ARGV[1] == '1' then
  for i = 1, #answer, 2 do
    redis.call('DEL', BUCKET .. answer[i])
    read('HDEL', READY_DUE, answer[i])
  end
end
return answer
