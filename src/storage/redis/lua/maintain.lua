-- One bounded step of what a daemon does: due jobs become ready, leases that have ended bring their jobs
-- back or make dead letters of them, and dead letters past their time are deleted.
-- include: keys, time, note, bounds, mark, known, forget, entry, topics, due, promote, next, lateness
-- ARGV: skip (due jobs to pass over), limit, JSON of the upper bounds of the classes of lateness in ms, in rising
--   order
-- Answers: promoted, expired, reclaimed, deleted, stuck, more (0 or 1), ms until the next event or -1, whether
--   there is something to tidy (0 or 1), an array of id, topic and reason of each job that was buried, how late the
--   promoted jobs were (lib/lateness.lua; an empty array when there is none), how many notes were forgotten, an
--   array of the keys that hold another type than belongs there (key, wanted, found), then the topics of ready
--   lists in which expired entries may stand
local skip, limit, now = tonumber(ARGV[1]), tonumber(ARGV[2]), now_ms()

-- What a command answers. A key of a wrong type is noted, and answers nil: what it is needed for is left out, and the
-- rest is done.
local wrong_types = {}
local function ask(wanted, command, key, ...)
  local reply = read(command, key, ...)
  if reply == nil then
    for _, text in ipairs({ key, wanted, type_of(key) }) do wrong_types[#wrong_types + 1] = text end
  end
  return reply
end

local due, lease_end = due_jobs(now, skip, limit, ask), first_lease_end(ask)
local notes = ask('hash', 'HLEN', READY_DUE)
local old_letters = ask('zset', 'ZCOUNT', DEAD, '-inf', due_by(now))

-- Promotes up to `left` jobs, and answers that beside what else was done.
local function promote_after(left, back, deleted, more_letters)
  local done = promote(notes and due or {}, skip, left, now)
  local is_noted = done.promoted > 0 or (notes or 0) > 0
  local next_lease = lease_end or math.huge
  local answer = {
    done.promoted,
    done.expired,
    back.reclaimed,
    deleted,
    done.stuck,
    (done.more or back.more or more_letters) and 1 or 0,
    (due and next_in or wait_for)(now, next_lease) or -1,
    notes and (is_noted or is_untidy()) and 1 or 0,
    back.buried,
    #done.ids > 0 and lateness_of(due, done.ids, now, cjson.decode(ARGV[3])) or {},
    done.forgotten or 0,
    wrong_types,
  }
  for _, topic in ipairs(done.suspects or {}) do answer[#answer + 1] = topic end
  return answer
end

-- Jobs come back into the pool or a ready list, or become dead letters.
local may_reclaim = due and lease_end and notes and old_letters
local back = { reclaimed = 0, waiting = 0, buried = {}, more = false }

-- Mostly there is nothing else to do, and Redis makes each function of what follows anew at every run.
local is_back_due, is_letter_due = may_reclaim and lease_end <= now, (old_letters or 0) > 0
if not is_back_due and not is_letter_due then return promote_after(limit, back, 0, false) end

-- include: extras, policy, memo, record, schedule, line, waiting, comeback, dead, reclaim
local deleted, more_letters = 0, false
if is_back_due then back = reclaim(now, math.ceil(limit / JOBS_OF_RETURN)) end
-- Of few ids: the dead letters of each are a list that is read whole.
if is_letter_due then deleted, more_letters = delete_old_letters(now, 20) end
-- What has come back may be due, or the first whose lease ends.
if is_back_due then due, lease_end = due_jobs(now, skip, limit, ask), first_lease_end(ask) end
-- One run does so much in all. At least one job is promoted, so that what is due does not wait for what
-- comes back.
limit = math.max(1, limit - JOBS_OF_RETURN * (back.reclaimed + back.waiting + #back.buried / 3))
return promote_after(limit, back, deleted, more_letters)
