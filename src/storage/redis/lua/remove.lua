-- Removes jobs by id that are in one of the given states, and due when they are believed to be; up to the first
-- that needs to know more of a ready list than one run can find out.
-- include: keys, time, note, bounds, known, holes, clear, lookup, record, waiting, dead
-- ARGV: msgpack of what clear_entries.lua has found, or '' (see push.lua), then msgpack of, for each job: id, the
--   names of the states in which it may be removed, each with a space before and after it, due time in ms or '', when
--   it failed in ms or '', the topic in whose ready list an entry of it was seen or ''
-- Answers: the topic of the list that was not looked through, or ''; then for each job that was dealt with:
--   removed (0 or 1) and what the job was (delayed, due, ready, expired, dead or none)
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')

local jobs, now, answers = cmsgpack.unpack(ARGV[2]), now_ms(), { '' }
look_for(#jobs / 5, read_cleared(ARGV[1]))

-- False, and nothing was changed, where its list has to be looked through before.
local function remove_living(id, it)
  if it.noted and it.noted ~= it.listed and not leave_list(list_seen(it.noted), id, true) then
    it.listed = it.noted
    return false
  end
  if it.listed and not leave_list(list_seen(it.listed), id, it.listed == it.noted) then return false end
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

for i = 1, #jobs, 5 do
  local id, states, wanted_due, wanted_failure, seen_in = unpack(jobs, i, i + 4)
  local function may_remove(state) return is_among(states, state) end

  -- Before the first write: a record of a later version is refused.
  local jobs_waiting = may_remove('delayed') and waiting_jobs(id) or {}
  local letters = may_remove('dead') and wanted_due == '' and letters_of(id) or {}
  local gone, kept = {}, {}
  for _, letter in ipairs(letters) do
    local is_gone = wanted_failure == '' or letter.failed_at == wanted_failure
    table.insert(is_gone and gone or kept, letter)
  end
  local it = look_up(id, now, seen_in, may_remove('ready') or may_remove('expired'))
  local state = it.state
  local removed = state ~= 'none' and is_meant(it, states, wanted_due)
  if it.unclear or (removed and not remove_living(id, it)) then
    answers[1] = it.unclear or it.listed
    break
  end

  local waiting = remove_waiting(id, jobs_waiting, wanted_due)
  if waiting > 0 and not removed then state, removed = 'delayed', true end

  local is_dead = redis.call('EXISTS', DEAD_LETTER .. id) == 1
  local is_lost = not is_dead and may_remove('dead') and wanted_due == '' and redis.call('ZSCORE', DEAD, id)
  if #gone > 0 or (is_lost and wanted_failure == '') then
    delete_letters(id, gone, kept)
    if not removed then state, removed = 'dead', true end
  end
  if is_dead and state == 'none' then state = 'dead' end
  answers[#answers + 1] = removed and 1 or 0
  answers[#answers + 1] = state
end
return answers
