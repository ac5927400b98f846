-- One bounded step of bringing back, or burying, the jobs whose leases have ended. It is not part of reserve.lua,
-- which asks for it when there are some, because that would make each reserve a quarter longer.
-- include: keys, time, extras, policy, note, memo, bounds, mark, known, entry, record, schedule, line, waiting,
--   comeback, dead, reclaim
-- ARGV: limit
-- Answers: how many came back, more (0 or 1), an array of id, topic and reason of each that was buried
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
local back = reclaim(now_ms(), tonumber(ARGV[1]))
return { back.reclaimed, back.more and 1 or 0, back.buried }
