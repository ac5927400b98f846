-- One bounded step of what a daemon does: due jobs become ready, leases that have ended bring their jobs
-- back or make dead letters of them, and dead letters past their time are deleted.
-- include: keys, time, note, bounds, known, forget, entry, topics, due, promote, next, lateness
-- ARGV: skip (due jobs to pass over), limit, then the upper bounds of the classes of lateness in ms, in rising order
-- Answers: promoted, expired, reclaimed, deleted, stuck, more (0 or 1), ms until the next event or -1, whether
--   there is something to tidy (0 or 1), an array of id, topic and reason of each job that was buried, how late the
--   promoted jobs were (lib/lateness.lua; an empty array when there is none), how many notes were forgotten, an
--   array of the keys that hold another type than belongs there (key, wanted, found), then the topics of ready
--   lists in which expired entries may stand
local skip, limit, now = tonumber(ARGV[1]), tonumber(ARGV[2]), now_ms()

-- What a key of a wrong type is needed for is left out, and the rest is done.
local wrong_types = {}
local function is_usable(key, wanted)
  local found = type_of(key)
  if found == 'none' or found == wanted then return true end
  for _, text in ipairs({ key, wanted, found }) do wrong_types[#wrong_types + 1] = text end
  return false
end
local has_pool, has_leases = is_usable(POOL, 'zset'), is_usable(RESERVED, 'zset')
local has_notes, has_letters = is_usable(READY_DUE, 'hash'), is_usable(DEAD, 'zset')

local function next_event()
  local lease_end = has_leases and first_lease_end() or math.huge
  if has_pool then return next_in(now, lease_end) or -1 end
  return lease_end < math.huge and math.max(0, lease_end - now) or -1
end

-- Promotes up to `left` jobs, and answers that beside what else was done.
local function promote_after(left, back, deleted, more_letters)
  local due = has_pool and has_notes and due_jobs(now, skip, left) or {}
  local done = promote(due, skip, left, now)
  local answer = {
    done.promoted,
    done.expired,
    back.reclaimed,
    deleted,
    done.stuck,
    (done.more or back.more or more_letters) and 1 or 0,
    next_event(),
    has_notes and is_untidy() and 1 or 0,
    back.buried,
    #done.ids > 0 and lateness_of(due, done.ids, now, { select(3, unpack(ARGV)) }) or {},
    done.forgotten or 0,
    wrong_types,
  }
  for _, topic in ipairs(done.suspects or {}) do answer[#answer + 1] = topic end
  return answer
end

-- Jobs come back into the pool or a ready list, or become dead letters.
local may_reclaim = has_pool and has_leases and has_notes and has_letters
local nothing = { reclaimed = 0, waiting = 0, buried = {}, more = false }

-- Mostly there is nothing else to do, and Redis makes each function of what follows anew at every run.
local is_back_due = may_reclaim and first_lease_end() <= now
local is_letter_due = has_letters and redis.call('ZCOUNT', DEAD, '-inf', due_by(now)) > 0
if not is_back_due and not is_letter_due then return promote_after(limit, nothing, 0, false) end

-- include: extras, policy, memo, record, schedule, line, waiting, comeback, dead, reclaim
-- Ids whose dead letters are looked at: each is a list that is read whole.
local DELETE_LIMIT = 20

local back = may_reclaim and reclaim(now, limit) or nothing
local deleted, more_letters = 0, false
if has_letters then deleted, more_letters = delete_old_letters(now, DELETE_LIMIT) end
-- One run does so much in all. At least one job is promoted, so that what is due does not wait for what
-- comes back.
return promote_after(math.max(1, limit - back.reclaimed - back.waiting - #back.buried / 3), back, deleted, more_letters)
