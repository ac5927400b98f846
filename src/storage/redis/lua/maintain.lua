-- One bounded step of what a daemon does: due jobs become ready, leases that ran out end.
-- include: keys, time, due, bounds, promote, lease
-- ARGV: skip (due jobs to pass over), limit
-- Answers: promoted, expired, returned, stuck, more (0 or 1), ms until the next event or -1
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')

local now, limit = now_ms(), tonumber(ARGV[2])
local back = reclaim(now, limit)
local done = promote(now, tonumber(ARGV[1]), limit_after(back, limit))
if done.promoted == 0 then forget_due_times(0) end

return {
  done.promoted,
  done.expired + back.expired,
  back.returned,
  done.stuck,
  (done.more or back.more) and 1 or 0,
  next_in(now) or -1,
}
