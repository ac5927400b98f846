-- needs: keys, time, note, bounds, mark, known

-- An entry of a job that is gone would make other clients deliver a new job of its id early. If it cannot be
-- removed, because a search would take too long, its note stays. Answers the topic of the note.
local function forget_old_entry(id)
  local note = redis.call('HGET', READY_DUE, id)
  if not note then return nil end
  local topic = noted_topic(note)
  if not topic or leave_ready_list(id, topic) then redis.call('HDEL', READY_DUE, id) end
  return topic
end

-- False if a search would take too long.
local function leave_unnoted(id, topic)
  local entries = read('LLEN', READY .. topic) or 0
  if entries == 0 or (entries > SHORT_LIST and is_known(topic, entries)) then return true end
  return leave_ready_list(id, topic)
end

-- The same, also for an entry without a note, which the daemon of another client may have added: in the list of the
-- new job, and in that of the former job of its id, whose bucket Redis keeps for the whole millisecond in which it
-- expires.
local function leave_all_lists(id, topic)
  local noted = forget_old_entry(id)
  if noted ~= topic then leave_unnoted(id, topic) end
  local before = read('HGET', BUCKET .. id, 'topic')
  if before and before ~= topic and before ~= noted then leave_unnoted(id, before) end
end

-- A job that becomes ready may have an older note, of a former job of its id. If that one's entry cannot be removed,
-- its list is not known any more.
local function end_older_notes(ids)
  local notes = look('hash', 'HMGET', READY_DUE, unpack(ids))
  for i = 1, #ids do
    local topic = notes[i] and noted_topic(notes[i])
    if topic and not leave_ready_list(ids[i], topic) then mark_as_unknown(topic) end
  end
end
