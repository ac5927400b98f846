-- Which bodies does nothing name: not the pool, no ready list, not what was set aside? An original client that died
-- between its RPOP and its DEL leaves such a one. What cannot be known here for sure counts as named.
-- include: keys, time, note, bounds
-- ARGV: 1 where they are to be removed, then ids
-- Answers: the ids of those bodies

-- Entries of ready lists that a run reads, at some 0.3 µs each; a list that is longer may have any id.
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

local ids = { unpack(ARGV, 2) }
local in_pool = read('ZMSCORE', POOL, unpack(ids))
local answer = {}
for i, id in ipairs(ids) do
  local topic = redis.pcall('HGET', BUCKET .. id, 'topic')
  if in_pool and not in_pool[i] and type(topic) == 'string' and read('HEXISTS', SET_ASIDE, id) == 0 then
    local noted = noted_topic(read('HGET', READY_DUE, id))
    if not may_stand_in(topic, id) and not (noted ~= topic and may_stand_in(noted, id)) then
      answer[#answer + 1] = id
    end
  end
end
if ARGV[1] == '1' and #answer > 0 then
  for _, id in ipairs(answer) do
    redis.call('DEL', BUCKET .. id)
    read('HDEL', READY_DUE, id)
  end
end
return answer
