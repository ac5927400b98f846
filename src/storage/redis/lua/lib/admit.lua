-- needs: keys, time, note, bounds, mark, known, holes, clear

-- How a job is added although its id may exist already. `run` has what is the same for all jobs of a run:
-- on_existing (refuse, replace or keep), now, the number of jobs, what was cleared (lib/clear.lua), the ready lists
-- that it has looked at, by topic, and due_of, the due times of the jobs that it has added, by id.
local function list_of(run, topic)
  run.lists[topic] = run.lists[topic] or look_at_list(topic, run.jobs, run.cleared[topic])
  return run.lists[topic]
end

-- Answers an outcome and the topic in the bucket of that id; or nil, and the topic of a ready list that has to be
-- searched first.
local function outcome_for(run, id, bucket, topic, body, noted)
  -- A string, false when there is none, or a table with an error when the key is not a hash.
  local found = redis.pcall('HGET', bucket, 'topic')
  if type(found) == 'table' then return 'blocked' end
  if not found then return 'pushed', nil end
  -- A job without a body is never delivered either.
  local is_over = is_expired(expiry_of(bucket), run.now) or redis.call('HEXISTS', bucket, 'body') == 0
  if is_over then return 'pushed', found end
  if run.on_existing == 'replace' then return 'replaced', found end
  if not run.due_of[id] and not redis.call('ZSCORE', POOL, id) then
    -- A client that died between RPOP and DEL has left the bucket behind, so there is no job.
    local stands = stands_in(list_of(run, found), id, noted == found)
    if stands == nil then return nil, found end
    if not stands then return 'pushed', found end
  end
  if found == topic and redis.call('HGET', bucket, 'body') == body then return 'repeated' end
  return run.on_existing == 'keep' and 'kept' or 'conflict'
end

-- The lists in which an old entry of the id may stand.
local function old_lists(run, noted, topic, found)
  local list = list_of(run, topic)
  if list.is_clear and not noted and (not found or found == topic) then return {} end
  local old = { list }
  if noted and noted ~= topic then old[#old + 1] = list_of(run, noted) end
  if found and found ~= noted and found ~= topic then old[#old + 1] = list_of(run, found) end
  return old
end

local function topic_of_unclear(old, id, noted)
  for _, list in ipairs(old) do
    if not can_leave(list, id, list.topic == noted) then return list.topic end
  end
end

-- Decides what becomes of a job. If it is to be added (pushed, replaced), answers also what clear_away has to remove
-- once it is there. Or nil, and the topic of a ready list that has to be searched first. `note` is the value of
-- READY_DUE for the id. Changes nothing.
local function look_ahead(run, id, bucket, note, topic, body)
  local noted = note and noted_topic(note) or nil
  local outcome, found = outcome_for(run, id, bucket, topic, body, noted)
  if not outcome then return nil, found end
  if outcome ~= 'pushed' and outcome ~= 'replaced' then return outcome end
  local old = old_lists(run, noted, topic, found)
  local unclear = topic_of_unclear(old, id, noted)
  if unclear then return nil, unclear end
  return outcome, { old = old, noted = noted, found = found, note = note }
end

local function clear_away(id, bucket, before)
  for _, list in ipairs(before.old) do leave_list(list, id, list.topic == before.noted) end
  if before.found then redis.call('HDEL', bucket, 'delayer') end
  if before.note then redis.call('HDEL', READY_DUE, id) end
end
