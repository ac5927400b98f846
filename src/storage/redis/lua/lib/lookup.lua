-- needs: keys, time, note, bounds, mark, known, holes, clear, leave

-- What operators need to know of a job that is neither leased nor dead.
local sought, cleared_entries, lists_seen = 1, {}, {}

-- A run that looks up many ids stops after so many µs; acting on those that were found takes as long again.
local MOST_US, LOOKS_BETWEEN = 2500, 8
local began_us, most_us, has_read_much = 0, MOST_US, false

-- For many ids, scores and notes are read at once (false when there is none), which saves walking lists.
local MANY, WALKED_BY_MANY = 8, 100000
local scores, notes = {}, {}

-- Tells which ids a run looks up, what its caller has found in ready lists (read_cleared), and for how many µs it
-- looks up, if not MOST_US.
local function look_for(ids, cleared, us)
  sought, cleared_entries, began_us, most_us = #ids, cleared, now_us(), us or MOST_US
  if sought < MANY then return end
  walk_budget = math.min(walk_budget, WALKED_BY_MANY)
  local any_notes = redis.call('HLEN', READY_DUE) > 0
  local scores_of = redis.call('ZMSCORE', POOL, unpack(ids))
  local notes_of = any_notes and redis.call('HMGET', READY_DUE, unpack(ids))
  for i, id in ipairs(ids) do scores[id], notes[id] = scores_of[i], any_notes and notes_of[i] end
end

-- Has a run looked up as many ids as it may, after so many? The clock is asked now and then, and after a list or a
-- long body was read, which takes as long as looking up many ids.
local function has_looked_enough(count)
  if (count % LOOKS_BETWEEN > 0 and not has_read_much) or count == 0 then return false end
  has_read_much = false
  return now_us() - began_us > most_us
end

local function list_seen(topic)
  local list = lists_seen[topic]
  if list then return list end
  list = look_at_list(topic, sought, cleared_entries[topic])
  has_read_much = has_read_much or list.is_read
  list.is_usable = list.entries > 0 or is_list_or_none(READY .. topic)
  if sought >= MANY and list.entries > SHORT_LIST then list.places, list.is_near, list.sought = {}, is_near, sought end
  lists_seen[topic] = list
  return list
end

-- Usually an id of many is a delayed job, due when it is believed to be (ms or ''), and nothing else of the id
-- exists. This finds that with less than look_up needs. Answers its topic, its due time in ms and another field of
-- its bucket; or nil, when look_up has to be called. A job that expires in this very millisecond, before it is due,
-- was written by another client, and still exists.
local is_unlisted = {}

local function look_at_plain(id, bucket, now, wanted_due, field)
  local score = scores[id]
  if not score or notes[id] then return nil end
  local due = from_score(score)
  if due <= now or (wanted_due ~= '' and wanted_due ~= due) then return nil end
  local found = redis.pcall('HMGET', bucket, 'topic', field)
  local topic = found[1]
  if not topic then return nil end
  -- Is its ready list empty, or one that need not be searched for leftovers of a job of the pool?
  if is_unlisted[topic] == nil then
    local list = list_seen(topic)
    local is_empty = list.entries == 0 and not list.cleared and list.is_usable
    is_unlisted[topic] = is_empty or list.entries > SHORT_LIST
  end
  if not is_unlisted[topic] or redis.call('HEXISTS', bucket, 'body') == 0 then return nil end
  return topic, due, found[2]
end

-- Is the entry of a job that is not in the pool in that list? Nil when the search would take too long; when it does
-- not matter, the answer for a long list is yes.
local function is_listed_in(list, id, noted, is_whole, matters)
  if not list.is_usable then return false end
  if not matters and list.entries > SHORT_LIST then return true end
  -- An entry without a body was removed when it was found.
  local is_noted = list.topic == noted
  local was_cleared = not is_whole and is_noted and list.cleared and list.cleared[id] == true
  local stands = stands_in(list, id, is_noted)
  return stands or (was_cleared or stands)
end

-- In whose list it stands. Nil, and the topic, when the search would take too long.
local function listed_in(id, topics, noted, is_whole, matters)
  for _, topic in ipairs(topics) do
    local is_listed = topic ~= '' and is_listed_in(list_seen(topic), id, noted, is_whole, matters)
    if is_listed == nil then return nil, topic end
    if is_listed then return topic end
  end
end

-- What is known of an id: its state (none when it has no job), its topic, its due time in ms or nil, when it expires
-- in ms or '', whether it has a bucket, its note, and the topic in whose ready list it stands, if it does; or
-- `unclear`, the topic of a list that has to be searched first.
local function look_up(id, now, seen_in, matters)
  local bucket = BUCKET .. id
  local score, note = scores[id], notes[id]
  if score == nil then score = redis.call('ZSCORE', POOL, id) end
  if note == nil then note = redis.call('HGET', READY_DUE, id) end
  -- Nil when its key is of a wrong type.
  local topic = read('HGET', bucket, 'topic')
  local is_hash = topic ~= nil
  topic = topic or nil
  local has_body = is_hash and redis.call('HEXISTS', bucket, 'body') == 1
  local written_expiry = written_expiry_of(bucket)
  local is_whole = topic and has_body and not is_expired(written_expiry, now)
  local it = {
    state = 'none', topic = topic, written_expiry = written_expiry, has_bucket = topic or has_body,
    expires_at = within_bounds(written_expiry), note = note, noted = noted_topic(note), score = score,
    due = nil, listed = nil, unclear = nil, is_aside = nil,
  }
  if score then
    -- An entry of such a job is an older one; if it has no note, a push searches for it again.
    local list = topic and list_seen(topic)
    local is_short = list and list.entries <= SHORT_LIST
    it.listed = is_short and is_listed_in(list, id, it.noted, true, true) and topic or nil
    it.due = from_score(score)
    it.state = not is_whole and 'expired' or it.due > now and 'delayed' or 'due'
    return it
  end
  it.listed, it.unclear = listed_in(id, { topic or '', it.noted or '', seen_in }, it.noted, is_whole, matters)
  it.is_aside = not is_hash and read('HEXISTS', SET_ASIDE, id) == 1
  local is_blocked = topic and not list_seen(topic).is_usable
  -- A bucket without a place in the pool or in a list belongs to a job that another client has just taken.
  if not it.listed and not is_blocked and not it.is_aside then return it end
  it.state = 'expired'
  if is_whole then
    it.due = tonumber(noted_due(note, written_expiry))
    if it.listed == topic or is_blocked then it.state = 'ready' end
  end
  return it
end

-- A job is to leave all ready lists, together with others (leave_together). Nil; or the topic of a list that has to
-- be searched first, and then it leaves none.
local function leave_with_others(id, it)
  local noted, listed = it.noted ~= it.listed and it.noted, it.listed
  local of_noted = noted and entries_of(list_seen(noted), id, true)
  if noted and of_noted == nil then return noted end
  local of_listed = listed and entries_of(list_seen(listed), id, listed == it.noted)
  if listed and of_listed == nil then return listed end
  if of_noted then will_leave(noted, id, of_noted) end
  if of_listed then will_leave(listed, id, of_listed) end
end

-- Is a state among names, each of which has a space before and after it? Many jobs have the same names.
local among = {}

local function is_among(states, state)
  local is_in = among[states]
  if not is_in then
    is_in = {}
    among[states] = is_in
  end
  if is_in[state] == nil then is_in[state] = string.find(states, ' ' .. state .. ' ', 1, true) ~= nil end
  return is_in[state]
end

-- A guard tells what is believed of a job, in six values: its id, the names of the states in which it is meant, each
-- with a space before and after it, and, each '' for any: its due time in ms, its topic, a mark of its body, when it
-- expires in ms. The mark is the body itself; of one that is longer than LONG_BODY, or empty, its SHA-1. Is a job as it
-- is believed to be?
local LONG_BODY, MUCH = 1024, 65536

local function is_content(found_topic, body, topic, body_mark)
  if topic ~= '' and topic ~= found_topic then return false end
  if body_mark == '' then return true end
  local size = #body
  if size > 0 and size <= LONG_BODY then return body == body_mark end
  has_read_much = has_read_much or size > MUCH
  return redis.sha1hex(body) == body_mark
end

-- Without PEXPIRETIME an expiry may be off by a millisecond.
local function is_expiry(found, expires_at)
  if expires_at == '' then return true end
  return found ~= '' and math.abs(found - expires_at) <= (exact_expiry and 0 or 1)
end

local function is_meant(id, it, states, due, topic, body_mark, expires_at)
  if not is_among(states, it.state) or (due ~= '' and it.due ~= due) then return false end
  if not is_expiry(it.expires_at, expires_at) then return false end
  return is_content(it.topic, body_mark ~= '' and read('HGET', BUCKET .. id, 'body') or '', topic, body_mark)
end

-- The same of a job that waits for another one of its id (lib/waiting.lua).
local function is_waiting_meant(job, due, topic, body_mark)
  local row = job.row
  return (due == '' or row[4] == due) and is_content(job.topic, row[3], topic, body_mark)
end

-- The state of an id for operators who act on jobs in the queue: dead when there are only dead letters.
local function told_state(id, it)
  if it.state == 'none' and redis.call('EXISTS', DEAD_LETTER .. id) == 1 then return 'dead' end
  return it.state
end
