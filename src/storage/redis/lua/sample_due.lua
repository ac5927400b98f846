-- Looks at a part of the jobs of the pool that are due after a time, for those of some topics.
-- include: keys, time
-- ARGV: how many, the first rank or '' for so many at random (one perhaps twice), after when in ms, topics
-- Answers: how many were looked at, then when those of the topics are due that are due later, in ms
expect_type(POOL, 'zset')
local limit, after, is_wanted = tonumber(ARGV[1]), tonumber(ARGV[3]), {}
for i = 4, #ARGV do is_wanted[ARGV[i]] = true end
local jobs = ARGV[2] == '' and redis.call('ZRANDMEMBER', POOL, -limit, 'WITHSCORES')
  or redis.call('ZRANGE', POOL, ARGV[2], ARGV[2] + limit - 1, 'WITHSCORES')
local answer = { #jobs / 2 }
for i = 1, #jobs, 2 do
  local due = from_score(jobs[i + 1])
  if due > after and is_wanted[read('HGET', BUCKET .. jobs[i], 'topic') or ''] then answer[#answer + 1] = due end
end
return answer
