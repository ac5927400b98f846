-- needs: keys

-- Up to `limit` jobs of the pool and their scores, in order of due time, behind a job that was the last of
-- the page before ('' and '' for the beginning). If that job has moved, it goes on at its old score.
local function pool_page(score, id, limit)
  local first = 0
  if score ~= '' then
    local is_there = redis.call('ZSCORE', POOL, id) == score
    first = is_there and redis.call('ZRANK', POOL, id) + 1 or redis.call('ZCOUNT', POOL, '-inf', '(' .. score)
  end
  return redis.call('ZRANGE', POOL, first, first + limit - 1, 'WITHSCORES')
end
