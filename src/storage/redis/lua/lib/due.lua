-- needs: keys, time

-- The due jobs of the pool and their scores, after the first `skip`; nil when `ask` answers nil (it is called like
-- `look`). Read by rank, because Redis walks to an offset in a range of scores.
local function due_jobs(now, skip, limit, ask)
  if skip == 0 then
    return ask('zset', 'ZRANGEBYSCORE', POOL, '-inf', due_by(now), 'WITHSCORES', 'LIMIT', '0', limit)
  end
  local jobs = ask('zset', 'ZRANGE', POOL, skip, skip + limit - 1, 'WITHSCORES')
  while jobs and #jobs > 0 and from_score(jobs[#jobs]) > now do
    jobs[#jobs], jobs[#jobs - 1] = nil, nil
  end
  return jobs
end
