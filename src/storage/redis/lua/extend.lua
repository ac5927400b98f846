-- Makes leases of one reservation end later, and leaves its other leases alone.
-- include: keys, time, record
-- ARGV: lease in ms, token, then the numbers of the jobs
-- Answers: for each its new deadline in ms, or -1 when it is no longer held
expect_type(RESERVED, 'zset')
local now = now_ms()
local deadline, token, numbers = now + tonumber(ARGV[1]), ARGV[2], numbers_from(3)
local held, record = held_jobs(token, numbers)

local together = 0
for _, job in pairs(held) do
  if job.name == token then together = together + 1 end
end
allow_writes()
if record and together == #record.rows then
  redis.call('ZADD', RESERVED, to_score(deadline), token)
elseif together > 0 then
  local own = {}
  for number, job in pairs(held) do
    if job.name == token then
      local name = token .. '.' .. number
      redis.call('SET', INFLIGHT .. name, pack_job(job))
      redis.call('ZADD', RESERVED, to_score(deadline), name)
      own[number] = job
    end
  end
  forget_jobs(token, record, own)
end

local answers = {}
for i, number in ipairs(numbers) do
  local job = held[number]
  if job and job.name ~= token then redis.call('ZADD', RESERVED, to_score(deadline), job.name) end
  answers[i] = job and deadline or -1
end
return answers
