-- Gives delayed jobs another due time, from which their whole ready lifetime counts. It stops before the first job
-- whose body is one too many for this run, for which it has no time, or that has the id of another one.
-- include: keys, time, note, memo, bounds, mark, known, entry, holes, clear, leave, lookup, record, redate, schedule,
--   wake
-- ARGV: wake channel, msgpack of, for each job: its guard (lib/lookup.lua), how its new due time is given (delay, at
--   or by), that in ms
-- Answers: for each job that was dealt with: what it was (delayed, due, ready, expired, dead or none), and when it is
--   due in ms, or -1 where it was left alone
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(RESERVED, 'zset')
local jobs, now, answer, ids, seen, chosen = cmsgpack.unpack(ARGV[2]), now_ms(), {}, {}, {}, {}
local WIDTH = 8
for i = 1, #jobs, WIDTH do ids[#ids + 1] = jobs[i] end
look_for(ids, {})

-- What a job is, and its plan, or nil where it is left alone. False when its body is one too many for this run.
-- Changes nothing.
local function plan_for(id, states, wanted_due, topic, body_mark, expires_at, how, ms)
  local it, memo = look_up_delayed(id, now, states, wanted_due)
  local is_ours = it.state == 'delayed' and is_meant(id, it, states, wanted_due, topic, body_mark, expires_at)
  if not is_ours then return told_state(id, it), nil end
  local kept = read_for_new_due(id, it, memo)
  if not kept then return false end
  local due = ms + (how == 'delay' and now or how == 'by' and it.due or 0)
  due = due < now and now or within_bounds(due)
  return 'delayed', { id = id, it = it, kept = kept, due = due, written_expiry = expiry_from(it, kept, due) }
end

-- Those that are moved to a later time, and the others.
local later, earlier = {}, {}
local n = 0
for i = 1, #jobs, WIDTH do
  local id = jobs[i]
  if seen[id] or has_looked_enough(n / 2) then break end
  local state, plan = plan_for(unpack(jobs, i, i + WIDTH - 1))
  if not state then break end
  seen[id] = true
  answer[n + 1], answer[n + 2] = state, plan and plan.due or -1
  n = n + 2
  if plan then
    chosen[#chosen + 1] = plan
    if plan.due > plan.it.due then later[#later + 1] = plan else earlier[#earlier + 1] = plan end
  end
end
if #chosen == 0 then return answer end

-- Entry and expiry are written in such an order that a job never expires before it is due, even if an ACL forbids
-- one of the writes.
local function write_expiries(plans)
  for i = 1, #plans do
    local plan = plans[i]
    write_new_due(plan.id, plan.it, plan.kept, plan.due, plan.written_expiry)
  end
end

local earliest, is_first, entries = math.huge, false, {}
look_at_dues(chosen, now)
allow_writes()
write_expiries(later)
for i = 1, #chosen do
  local plan = chosen[i]
  local score, is_next = score_in_order(plan.due, now)
  entries[2 * i - 1], entries[2 * i] = score, plan.id
  if plan.due < earliest then earliest, is_first = plan.due, is_next end
end
redis.call('ZADD', POOL, unpack(entries))
for _, plan in ipairs(chosen) do leave_old_entries(plan.id, plan.it) end
write_expiries(earlier)
if is_first then wake(ARGV[1], earliest) end
return answer
