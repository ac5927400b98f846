-- needs: keys, time, note, bounds, known, holes, clear

-- What operators are to know of a job that is neither leased nor dead.
local sought, cleared_entries, lists_seen = 1, {}, {}

-- Says for how many ids a run looks, and what its caller has found in ready lists (read_cleared).
local function look_for(ids, cleared)
  sought, cleared_entries = ids, cleared
end

local function list_seen(topic)
  lists_seen[topic] = lists_seen[topic] or look_at_list(topic, sought, cleared_entries[topic])
  return lists_seen[topic]
end

-- In whose list the entry of a job is that is not in the pool. Nil, and the topic, where that takes too long to
-- be found out; where nothing comes of it, it counts as standing in a long one.
local function listed_in(id, topics, noted, is_whole, matters)
  for _, topic in ipairs(topics) do
    if topic ~= '' and is_list_or_none(READY .. topic) then
      local list = list_seen(topic)
      if not matters and list.entries > SHORT_LIST then return topic end
      -- An entry without a body was taken out as it was found.
      local was_cleared = not is_whole and topic == noted and list.cleared and list.cleared[id] == true
      local stands = stands_in(list, id, topic == noted)
      if stands == nil then return nil, topic end
      if stands or was_cleared then return topic end
    end
  end
end

-- What is known of an id: its state (none where it has no job), its topic, its due time in ms or nil, when it
-- expires in ms or '', whether it has a bucket, and the topic in whose ready list it stands, if it does; or `unclear`,
-- the topic of a list that has to be looked through before.
local function look_up(id, now, seen_in, matters)
  local bucket = BUCKET .. id
  local score = redis.call('ZSCORE', POOL, id)
  local found = fields(bucket, 'topic')
  local topic = found and found[1]
  local has_body = found and redis.call('HEXISTS', bucket, 'body') == 1
  local written_expiry = written_expiry_of(bucket)
  local is_whole = topic and has_body and not is_expired(written_expiry, now)
  local it = { state = 'none', topic = topic, written_expiry = written_expiry, has_bucket = topic or has_body }
  it.expires_at = within_bounds(written_expiry)
  local note = redis.call('HGET', READY_DUE, id)
  it.noted = noted_topic(note)
  if score then
    -- An entry of such a job is an older one: where that is not noted, a push looks for it again.
    local is_short = topic and list_seen(topic).entries <= SHORT_LIST
    it.listed = is_short and listed_in(id, { topic }, it.noted, true, true) or nil
    it.score, it.due = score, from_score(score)
    it.state = not is_whole and 'expired' or it.due > now and 'delayed' or 'due'
    return it
  end
  it.listed, it.unclear = listed_in(id, { topic or '', it.noted or '', seen_in }, it.noted, is_whole, matters)
  it.is_aside = not found and read('HEXISTS', SET_ASIDE, id) == 1
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

-- Is a state among names, each of which has a space before and after it?
local function is_among(states, state)
  return string.find(states, ' ' .. state .. ' ', 1, true) ~= nil
end

-- Is a job what is believed of it?
local function is_meant(it, states, due)
  return is_among(states, it.state) and (due == '' or it.due == due)
end

-- The state of an id, as those are told of it who act on living jobs alone: dead where it has dead letters.
local function told_state(id, it)
  if it.state == 'none' and redis.call('EXISTS', DEAD_LETTER .. id) == 1 then return 'dead' end
  return it.state
end
