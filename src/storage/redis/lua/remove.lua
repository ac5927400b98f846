-- Removes jobs by id that are in one of the given states, and due when they are believed to be; up to the first
-- that needs to know more of a ready list than one run can find out.
-- include: keys, time, note, bounds, known, holes, clear, record, waiting, dead
-- ARGV: msgpack of what clear_entries.lua has found, or '' (see push.lua), then msgpack of, for each job: id, the
--   names of the states in which it may be removed, each with a space before and after it, due time in ms or '',
--   the topic in whose ready list an entry of it was seen or ''
-- Answers: the topic of the list that was not looked through, or ''; then for each job that was dealt with:
--   removed (0 or 1) and what the job was (delayed, due, ready, expired, dead or none)
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')

local jobs, now, answers = cmsgpack.unpack(ARGV[2]), now_ms(), { '' }
local cleared, lists = read_cleared(ARGV[1]), {}

local function list_of(topic)
  lists[topic] = lists[topic] or look_at_list(topic, #jobs / 4, cleared[topic])
  return lists[topic]
end

-- In whose list the entry of a job is that is not in the pool. Nil, and the topic, where that takes too long to
-- be found out; where nothing comes of it, it counts as standing in a long one.
local function listed_in(id, topics, noted, matters)
  for _, topic in ipairs(topics) do
    if topic ~= '' and is_list_or_none(READY .. topic) then
      local list = list_of(topic)
      if not matters and list.entries > SHORT_LIST then return topic end
      -- An entry without a body was taken out as it was found.
      local was_cleared = topic == noted and list.cleared and list.cleared[id] == true
      local stands = stands_in(list, id, topic == noted)
      if stands == nil then return nil, topic end
      if stands or was_cleared then return topic end
    end
  end
end

-- What is known of an id: its state, its due time in ms or nil, whether it has a bucket, and the topic in whose
-- ready list it stands, if it does.
local function look_up(id, seen_in, matters)
  local score = redis.call('ZSCORE', POOL, id)
  local job = fields(BUCKET .. id, 'topic', 'body')
  local topic = job and job[1]
  local written_expiry = written_expiry_of(BUCKET .. id)
  local is_whole = topic and job[2] and not is_expired(written_expiry, now)
  local it = { state = 'none', has_bucket = job and (job[1] or job[2]) }
  local note = redis.call('HGET', READY_DUE, id)
  it.noted = noted_topic(note)
  if score then
    -- An entry of such a job is an older one: where that is not noted, a push looks for it again.
    local is_short = topic and list_of(topic).entries <= SHORT_LIST
    it.listed = is_short and listed_in(id, { topic }, it.noted, true) or nil
    it.due = from_score(score)
    it.state = not is_whole and 'expired' or it.due > now and 'delayed' or 'due'
    return it
  end
  it.listed, it.unclear = listed_in(id, { topic or '', it.noted or '', seen_in }, it.noted, matters)
  it.is_aside = not job and read('HEXISTS', SET_ASIDE, id) == 1
  local is_blocked = topic and not is_list_or_none(READY .. topic)
  -- A bucket that is neither in the pool nor in a list is in the hands of another client: that is no job.
  if not it.listed and not is_blocked and not it.is_aside then return it end
  it.state = 'expired'
  if is_whole then
    it.due = tonumber(noted_due(note, written_expiry))
    if it.listed == topic or is_blocked then it.state = 'ready' end
  end
  return it
end

-- False, and nothing was changed, where its list has to be looked through before.
local function remove_living(id, it)
  if it.noted and it.noted ~= it.listed and not leave_list(list_of(it.noted), id, true) then
    it.listed = it.noted
    return false
  end
  if it.listed and not leave_list(list_of(it.listed), id, it.listed == it.noted) then return false end
  redis.call('ZREM', POOL, id)
  if it.has_bucket then redis.call('UNLINK', BUCKET .. id) end
  redis.call('HDEL', READY_DUE, id)
  if it.is_aside then redis.call('HDEL', SET_ASIDE, id) end
  return true
end

-- Jobs that wait for another one of their id are delayed. Answers how many there were.
local function remove_waiting(id, jobs_waiting, wanted_due)
  local gone, kept = {}, {}
  for _, job in ipairs(jobs_waiting) do
    local is_kept = wanted_due ~= '' and job.row[4] ~= wanted_due
    table.insert(is_kept and kept or gone, job)
  end
  if #gone > 0 then end_waiting(id, gone, #kept, now) end
  return #gone
end

for i = 1, #jobs, 4 do
  local id, states, wanted_due, seen_in = jobs[i], jobs[i + 1], jobs[i + 2], jobs[i + 3]
  local function may_remove(state) return string.find(states, ' ' .. state .. ' ', 1, true) ~= nil end

  -- Before the first write: a record of a later version is refused.
  local jobs_waiting = may_remove('delayed') and waiting_jobs(id) or {}
  local letters = may_remove('dead') and wanted_due == '' and letters_of(id) or {}
  local it = look_up(id, seen_in, may_remove('ready') or may_remove('expired'))
  local state = it.state
  local removed = state ~= 'none' and may_remove(state) and (wanted_due == '' or it.due == wanted_due)
  if it.unclear or (removed and not remove_living(id, it)) then
    answers[1] = it.unclear or it.listed
    break
  end

  local waiting = remove_waiting(id, jobs_waiting, wanted_due)
  if waiting > 0 and not removed then state, removed = 'delayed', true end

  local is_dead = redis.call('EXISTS', DEAD_LETTER .. id) == 1
  local is_lost = not is_dead and may_remove('dead') and wanted_due == '' and redis.call('ZSCORE', DEAD, id)
  if #letters > 0 or is_lost then
    delete_letters(id, letters, {})
    if not removed then state, removed = 'dead', true end
  end
  if is_dead and state == 'none' then state = 'dead' end
  answers[#answers + 1] = removed and 1 or 0
  answers[#answers + 1] = state
end
return answers
