-- Removes jobs that are what they are believed to be; up to the first that needs to know more of a ready list than one
-- run can find out, or that this run has no time for, or that is of the id of another one.
-- include: keys, time, note, bounds, mark, known, holes, clear, leave, lookup, record, waiting, dead, letters
-- ARGV: msgpack of what clear_entries.lua has found, or '' (see push.lua), then msgpack of, for each job: its guard
--   (lib/lookup.lua), 1 where it waits for another one of its id, 0 where it does not, '' for either, when it failed in
--   ms or '' for any time, the topic in whose ready list an entry of it was seen or ''
-- Answers: the topic of the list that was not looked through, or ''; then for each job that was dealt with:
--   removed (0 or 1) and what the job was (delayed, due, ready, expired, dead or none)
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')

local jobs, now, answers, ids, seen, plans = cmsgpack.unpack(ARGV[2]), now_ms(), { '' }, {}, {}, {}
local pooled, buckets, noted, aside = {}, {}, {}, {}
local WIDTH = 9
for i = 1, #jobs, WIDTH do ids[#ids + 1] = jobs[i] end
-- What follows takes less time than looking at the jobs.
local LOOK_US = 3500
look_for(ids, read_cleared(ARGV[1]), LOOK_US)

-- Mostly none of many ids has such a key: one command tells so of all of them.
local has_any = {}
local function may_have(stem)
  if #ids < MANY then return true end
  if has_any[stem] == nil then
    local names = {}
    for i, id in ipairs(ids) do names[i] = stem .. id end
    has_any[stem] = redis.call('EXISTS', unpack(names)) > 0
  end
  return has_any[stem]
end

-- Those that are meant, and the others.
local function parted(all, is_one)
  local gone, kept = {}, {}
  for _, one in ipairs(all) do table.insert(is_one(one) and gone or kept, one) end
  return gone, kept
end

-- Jobs that wait for another one of their id are delayed.
local function plan_waiting(plan, states, due, topic, body_mark, waits)
  if waits == 0 or not is_among(states, 'delayed') or not may_have(WAITING) then return end
  plan.waiting, plan.waiting_kept = parted(waiting_jobs(plan.id), function(job)
    return is_waiting_meant(job, due, topic, body_mark)
  end)
end

-- By id, its dead letters, of which the run takes some.
local letters_by_id = {}

-- Takes the dead letters that are meant; answers whether there was one.
local function take_meant_letters(id, due, topic, body_mark, failure)
  local open = letters_by_id[id] or open_letters(id)
  letters_by_id[id] = open
  local found = find_letters(open, failure, function(letter)
    return (due == '' or letter.due == due) and is_content(letter.topic, letter.body, topic, body_mark)
  end)
  take_letters(open, found)
  return #found > 0
end

local function plan_letters(plan, states, due, topic, body_mark, waits, failure)
  if waits == 1 or not is_among(states, 'dead') then return end
  if may_have(DEAD_LETTER) then plan.has_letters = take_meant_letters(plan.id, due, topic, body_mark, failure) end
  local is_left = may_have(DEAD_LETTER) and redis.call('EXISTS', DEAD_LETTER .. plan.id) == 1
  local is_lost = not is_left and redis.call('ZSCORE', DEAD, plan.id)
  plan.is_lost = is_lost and due .. failure .. topic .. body_mark == ''
end

-- What is to become of a job; or nil, and the topic of a list that has to be looked through before. Changes nothing: a
-- record of a later version is refused here.
local function plan_for(id, states, due, topic, body_mark, expires_at, waits, failure, seen_in)
  local plan = { id = id, it = nil, removed = nil, waiting = nil, has_letters = nil }
  plan_waiting(plan, states, due, topic, body_mark, waits)
  local it = look_up(id, now, seen_in, is_among(states, 'ready') or is_among(states, 'expired'))
  if it.unclear then return nil, it.unclear end
  plan.it = it
  plan.removed = waits ~= 1 and it.state ~= 'none' and is_meant(id, it, states, due, topic, body_mark, expires_at)
  local unclear = plan.removed and leave_with_others(id, it)
  if unclear then return nil, unclear end
  plan_letters(plan, states, due, topic, body_mark, waits, failure)
  return plan
end

-- By the names of states: of which state alone are jobs meant, if nothing else is to be removed of them: delayed or
-- ready, else ''.
local meant_alone = {}

local function state_meant_alone(states, waits)
  if waits == 1 then return '' end
  local state = meant_alone[states]
  if not state then
    local delayed, ready = is_among(states, 'delayed'), is_among(states, 'ready')
    state = (is_among(states, 'dead') or delayed == ready) and '' or delayed and 'delayed' or 'ready'
    meant_alone[states] = state
  end
  return state == 'delayed' and waits ~= 0 and may_have(WAITING) and '' or state
end

-- As look_at_plain for a ready job: nothing else of its id exists, and the place of its entry has been read. Answers
-- its topic, and the index of the entry; or nil, when look_up has to be called.
local function look_at_ready(id, bucket, wanted_due, wanted_topic, body_mark, expires_at)
  if scores[id] ~= false then return nil end
  local topic = redis.pcall('HGET', bucket, 'topic')
  if type(topic) ~= 'string' then return nil end
  local list, note = list_seen(topic), notes[id]
  if not list.places or list.cleared or (note and noted_topic(note) ~= topic) then return nil end
  local index = list.places[id] or list.is_near and list.is_near(list, id) and list.places[id]
  if type(index) ~= 'number' or redis.call('HEXISTS', bucket, 'body') == 0 then return nil end
  local written_expiry = written_expiry_of(bucket)
  if is_expired(written_expiry, now) then return nil end
  if wanted_due ~= '' and wanted_due ~= noted_due(note, written_expiry) then return nil end
  if not is_expiry(within_bounds(written_expiry), expires_at) then return nil end
  local body = body_mark ~= '' and redis.call('HGET', bucket, 'body')
  if not is_content(topic, body, wanted_topic, body_mark) then return nil end
  return topic, index
end

-- Is this a delayed job of which nothing else exists, and what it is believed to be?
local function look_at_delayed(id, bucket, due, wanted_topic, body_mark, expires_at)
  local topic, _, body = look_at_plain(id, bucket, now, due, body_mark == '' and 'topic' or 'body')
  if not topic or not is_content(topic, body, wanted_topic, body_mark) then return false end
  return expires_at == '' or is_expiry(expiry_of(bucket), expires_at)
end

local PLAIN = { delayed = { state = 'delayed' }, ready = { state = 'ready' }, dead = { state = 'dead' } }

-- The plan for a job of which nothing else exists, or nil. Its entry, body and note are noted to be removed.
local function plan_plain(id, states, due, topic, body_mark, expires_at, waits)
  local bucket, state = BUCKET .. id, state_meant_alone(states, waits)
  if state == 'delayed' and look_at_delayed(id, bucket, due, topic, body_mark, expires_at) then
    pooled[#pooled + 1] = id
  else
    local in_list, index
    if state == 'ready' then in_list, index = look_at_ready(id, bucket, due, topic, body_mark, expires_at) end
    if not in_list then return nil end
    will_leave(in_list, id, index)
    if notes[id] then noted[#noted + 1] = id end
  end
  buckets[#buckets + 1] = bucket
  return PLAIN[state]
end

-- The plan for dead letters alone, of which an id may have many, or nil.
local function plan_dead(id, states, due, topic, body_mark, _, waits, failure)
  if states ~= ' dead ' or waits == 1 or not may_have(DEAD_LETTER) then return nil end
  return take_meant_letters(id, due, topic, body_mark, failure) and PLAIN.dead or nil
end

local count = 0
for i = 1, #jobs, WIDTH do
  local id = jobs[i]
  if has_looked_enough(count) then break end
  local plan, unclear = plan_dead(unpack(jobs, i, i + 7)), nil
  if not plan then
    if seen[id] then break end
    plan = plan_plain(unpack(jobs, i, i + 6))
    if not plan then plan, unclear = plan_for(unpack(jobs, i, i + 8)) end
    seen[id] = true
  end
  if not plan then
    answers[1] = unclear
    break
  end
  count = count + 1
  plans[count] = plan
end

-- Changes nothing, for no job has an empty id. A user who may not run these commands fails here, before anything is
-- removed.
local function expect_rights()
  redis.call('UNLINK', WAITING)
  redis.call('HDEL', READY_DUE, '')
end

local function remove_living()
  for _, plan in ipairs(plans) do
    if plan.removed then
      local id, it = plan.id, plan.it
      if it.score then pooled[#pooled + 1] = id end
      if it.has_bucket then buckets[#buckets + 1] = BUCKET .. id end
      if it.note then noted[#noted + 1] = id end
      if it.is_aside then aside[#aside + 1] = id end
    end
  end
  if #pooled + #buckets + #noted + #aside == 0 and not next(left_lists) then return end
  allow_writes()
  expect_rights()
  leave_together()
  if #pooled > 0 then redis.call('ZREM', POOL, unpack(pooled)) end
  if #buckets > 0 then redis.call('UNLINK', unpack(buckets)) end
  if #noted > 0 then redis.call('HDEL', READY_DUE, unpack(noted)) end
  if #aside > 0 then redis.call('HDEL', SET_ASIDE, unpack(aside)) end
end

-- Answers whether the plan's job was removed, and what it was.
local function remove_others(plan)
  local id, state, removed = plan.id, plan.it.state, plan.removed
  local waiting = plan.waiting
  if waiting and #waiting > 0 then
    end_waiting(id, waiting, #plan.waiting_kept, now)
    if not removed then state, removed = 'delayed', true end
  end
  local was_dead = state == 'none' and may_have(DEAD_LETTER) and redis.call('EXISTS', DEAD_LETTER .. id) == 1
  if plan.is_lost then redis.call('ZREM', DEAD, id) end
  if (plan.has_letters or plan.is_lost) and not removed then state, removed = 'dead', true end
  return removed, was_dead and state == 'none' and 'dead' or state
end

remove_living()
for _, plan in ipairs(plans) do
  local removed, state = true, plan.state
  if not state then removed, state = remove_others(plan) end
  answers[#answers + 1] = removed and 1 or 0
  answers[#answers + 1] = state
end
for _, open in pairs(letters_by_id) do
  if #open.taken > 0 then
    allow_writes()
    delete_taken(open)
  end
end
return answers
