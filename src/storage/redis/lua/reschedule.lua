-- Gives delayed jobs another due time, from which their whole ready lifetime counts; up to the first of which the
-- body is one too many to be read in this run.
-- include: keys, time, note, memo, bounds, known, entry, holes, clear, lookup, record, redate, schedule, wake
-- ARGV: wake channel, msgpack of, for each job: id, the names of the states in which it is meant, each with a space
--   before and after it, due time in ms or '', how its new due time is given (delay, at or by), that in ms
-- Answers: for each job that was dealt with: what it was (delayed, due, ready, expired, dead or none), and when it is
--   due in ms, or -1 where it was left alone
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(RESERVED, 'zset')
local jobs, now, answer = cmsgpack.unpack(ARGV[2]), now_ms(), {}
local earliest, is_first = math.huge, false
look_for(#jobs / 5, {})

-- Its entry and its expiry are written in the order in which a user who may not write the other loses nothing: a job is
-- never to expire before it is due.
local function reschedule(id, it, kept, due)
  local expires_at = expiry_from(it, kept, due)
  allow_writes()
  if due > it.due then write_new_due(id, it, kept, due, expires_at) end
  local score, is_next = score_in_order(due, now)
  redis.call('ZADD', POOL, score, id)
  leave_all_lists(id, it.topic)
  if due <= it.due then write_new_due(id, it, kept, due, expires_at) end
  if due < earliest then earliest, is_first = due, is_next end
end

for i = 1, #jobs, 5 do
  local id, states, wanted_due, how, ms = unpack(jobs, i, i + 4)
  local it, is_ours, due = look_up(id, now, '', false), false, nil
  if it.state == 'delayed' and is_meant(it, states, wanted_due) then
    local kept = read_for_new_due(id, it)
    if not kept then break end
    local from = how == 'delay' and now or how == 'by' and it.due or 0
    due = math.min(math.max(now, from + ms), LAST_MS)
    reschedule(id, it, kept, due)
    is_ours = true
  end
  answer[#answer + 1] = told_state(id, it)
  answer[#answer + 1] = is_ours and due or -1
end
if is_first then wake(ARGV[1], earliest) end
return answer
