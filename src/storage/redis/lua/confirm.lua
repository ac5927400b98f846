-- Ends leases, their jobs done.
-- include: keys, time
-- ARGV: again (1 when the answer to this request may have been lost before), then lease and its
--   deadline in ms for each
-- Answers: 1 or 0 for each lease: was it still held? A lease ends before its deadline only by its
--   holder, so one that is gone before that was confirmed by the request whose answer was lost.
local now, again, held, leases = now_ms(), ARGV[1] == '1', {}, {}
for i = 2, #ARGV, 2 do
  local removed = redis.call('UNLINK', INFLIGHT .. ARGV[i])
  held[#held + 1] = (removed == 1 or (again and now < tonumber(ARGV[i + 1]))) and 1 or 0
  leases[#leases + 1] = ARGV[i]
end
redis.call('ZREM', RESERVED, unpack(leases))
return held
