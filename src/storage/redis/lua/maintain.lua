-- One bounded step of what a daemon does: due jobs become ready, leases that have ended bring their jobs
-- back, and dead letters past their time are deleted.
-- include: keys, time, note, memo, bounds, entry, record, schedule, line, waiting, comeback, promote, reclaim, dead
-- ARGV: skip (due jobs to pass over), limit
-- Answers: promoted, expired, reclaimed, deleted, stuck, more (0 or 1), ms until the next event or -1
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')

-- Ids whose dead letters are looked at: each is a list that is read whole.
local DELETE_LIMIT = 20

local now, limit = now_ms(), tonumber(ARGV[2])
local back = reclaim(now, limit)
local done = promote(now, tonumber(ARGV[1]), limit_after(back, limit))
if done.promoted == 0 then forget_notes(0) end
local deleted, more_letters = delete_old_letters(now, DELETE_LIMIT)

return {
  done.promoted,
  done.expired,
  back.reclaimed,
  deleted,
  done.stuck,
  (done.more or back.more or more_letters) and 1 or 0,
  next_in(now, math.huge) or -1,
}
