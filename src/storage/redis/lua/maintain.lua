-- One bounded step of what a daemon does: due jobs become ready, leases that have ended bring their jobs
-- back or make dead letters of them, and dead letters past their time are deleted.
-- include: keys, time, note, bounds, known, forget, entry, topics, due, promote, next, lateness
-- ARGV: skip (due jobs to pass over), limit, then the upper bounds of the classes of lateness in ms, in rising order
-- Answers: promoted, expired, reclaimed, deleted, stuck, more (0 or 1), ms until the next event or -1, whether
--   there is something to tidy (0 or 1), an array of id, topic and reason of each job that was buried, how late the
--   promoted jobs were (lib/lateness.lua; an empty array when there is none), then the topics of ready lists in which
--   expired entries may stand
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')

local skip, limit, now = tonumber(ARGV[1]), tonumber(ARGV[2]), now_ms()

-- Promotes up to `left` jobs, and answers that beside what else was done.
local function promote_after(left, back, deleted, more_letters)
  local due = due_jobs(now, skip, left)
  local done = promote(due, skip, left, now)
  local answer = {
    done.promoted,
    done.expired,
    back.reclaimed,
    deleted,
    done.stuck,
    (done.more or back.more or more_letters) and 1 or 0,
    next_in(now, first_lease_end()) or -1,
    is_untidy() and 1 or 0,
    back.buried,
    #done.ids > 0 and lateness_of(due, done.ids, now, { select(3, unpack(ARGV)) }) or {},
  }
  for _, topic in ipairs(done.suspects or {}) do answer[#answer + 1] = topic end
  return answer
end

-- Mostly there is nothing else to do, and Redis makes each function of what follows anew at every run.
if first_lease_end() > now and redis.call('ZCOUNT', DEAD, '-inf', due_by(now)) == 0 then
  return promote_after(limit, { reclaimed = 0, buried = {} }, 0, false)
end

-- include: extras, policy, memo, record, schedule, line, waiting, comeback, dead, reclaim
-- Ids whose dead letters are looked at: each is a list that is read whole.
local DELETE_LIMIT = 20

local back = reclaim(now, limit)
local deleted, more_letters = delete_old_letters(now, DELETE_LIMIT)
-- One run does so much in all. At least one job is promoted, so that what is due does not wait for what
-- comes back.
return promote_after(math.max(1, limit - back.reclaimed - back.waiting - #back.buried / 3), back, deleted, more_letters)
