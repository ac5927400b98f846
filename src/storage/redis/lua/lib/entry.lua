-- needs: keys, time, note, bounds

-- An entry of a job that expired in a ready list would hand a new job of its id to other clients before its
-- time.
local function forget_old_entry(id)
  local note = redis.call('HGET', READY_DUE, id)
  if not note then return end
  local topic = noted_topic(note)
  if topic then leave_ready_list(id, topic) end
  redis.call('HDEL', READY_DUE, id)
end
