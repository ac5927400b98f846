-- Removes entries from a ready list that are still wrong: those of jobs that are in the pool, of another topic or
-- gone, and all entries of a job but the one that is delivered first.
-- include: keys, time, note, bounds, known
-- ARGV: topic, then the ids
-- Answers: for each of the first ids, for as many as one run can look through the list, whether entries were taken out
local topic = ARGV[1]
local ready = READY .. topic
expect_type(READY_DUE, 'hash')
if type_of(ready) ~= 'list' then return {} end

local function is_ready(id)
  if read('ZSCORE', POOL, id) then return false end
  local found = redis.pcall('HGET', BUCKET .. id, 'topic')
  -- A job with a key of another type in its place may come back.
  return type(found) == 'table' or found == topic
end

-- Counted from the left, because the first in line is at the right.
local function take_out_doubles(id)
  local entries = redis.call('LLEN', ready)
  local places = redis.call('LPOS', ready, id, 'COUNT', 0)
  if #places < 2 then return 0 end
  local was_known = is_marked(topic, entries)
  redis.call('LREM', ready, #places - 1, id)
  if was_known then know_list(topic, entries) end
  return 1
end

local answer = {}
for i = 2, #ARGV do
  local id, entries = ARGV[i], redis.call('LLEN', ready)
  if i > 2 and not may_walk(ready, 3 * entries) then break end
  if is_ready(id) then
    answer[#answer + 1] = take_out_doubles(id)
  else
    remove_entries(id, topic)
    answer[#answer + 1] = redis.call('LLEN', ready) < entries and 1 or 0
    if redis.call('EXISTS', BUCKET .. id) == 0 then
      local note = redis.call('HGET', READY_DUE, id)
      if note and noted_topic(note) == topic then redis.call('HDEL', READY_DUE, id) end
    end
  end
end
return answer
