-- Removes entries from a ready list that are still wrong: those of jobs that are in the pool, of another topic or
-- gone, and all entries of a job but the one that is delivered first. A job whose only entry was in the list of
-- another topic goes to the end of its own line: otherwise nobody would be given it.
-- include: keys, time, note, bounds, mark, known
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

-- The topic of a job that is neither in the pool nor in a list of its own; false when it is, or is gone.
local function lost_topic(id)
  if read('ZSCORE', POOL, id) then return false end
  local own = redis.pcall('HGET', BUCKET .. id, 'topic')
  if type(own) ~= 'string' or own == '' or own == topic then return false end
  local kind = type_of(READY .. own)
  if kind == 'none' then return own end
  return kind == 'list' and not redis.call('LPOS', READY .. own, id) and own
end

local answer = {}
for i = 2, #ARGV do
  local id, entries = ARGV[i], redis.call('LLEN', ready)
  if i > 2 and not may_walk(ready, 3 * entries) then break end
  if is_ready(id) then
    answer[#answer + 1] = take_out_doubles(id)
  else
    local own = lost_topic(id)
    -- The new place comes before the old one is deleted: a user without one of these rights loses no job. The first
    -- write changes nothing, and lets Redis allow the next one when it is out of memory.
    if own and redis.call('LPOS', ready, id) then
      redis.call('ZREM', POOL, '')
      redis.call('LPUSH', READY .. own, id)
    end
    remove_entries(id, topic)
    answer[#answer + 1] = redis.call('LLEN', ready) < entries and 1 or 0
    if redis.call('EXISTS', BUCKET .. id) == 0 then
      local note = redis.call('HGET', READY_DUE, id)
      if note and noted_topic(note) == topic then redis.call('HDEL', READY_DUE, id) end
    end
  end
end
return answer
