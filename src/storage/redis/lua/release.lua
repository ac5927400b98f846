-- Ends leases of one request with their jobs ready again, as if they had not been taken. A job that
-- cannot come back yet (another one of its id is alive) stays leased, and comes back later.
-- include: keys, time, due, bounds, lease
-- ARGV: token, then the numbers of the jobs
-- Answers: how many came back
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
local wanted = {}
for i = 2, #ARGV do wanted[tonumber(ARGV[i])] = true end
local done = return_jobs(ARGV[1], now_ms(), function(number) return wanted[number] end, false)
return { done.returned }
