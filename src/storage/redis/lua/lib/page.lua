-- The rank in a sorted set behind a member that was the last of the page before ('' and '' for the beginning; a score
-- alone begins there). If that one has moved, it is the rank of its old score. `is_reversed`: from the end.
local function rank_behind(key, score, member, is_reversed)
  if score == '' then return 0 end
  if member ~= '' and redis.call('ZSCORE', key, member) == score then
    return redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 1
  end
  if is_reversed then return redis.call('ZCOUNT', key, '(' .. score, '+inf') end
  return redis.call('ZCOUNT', key, '-inf', '(' .. score)
end

-- Up to `limit` members behind that one, and their scores, in order of score.
local function page_of(key, score, member, limit, is_reversed)
  local first = rank_behind(key, score, member, is_reversed)
  return redis.call(is_reversed and 'ZREVRANGE' or 'ZRANGE', key, first, first + limit - 1, 'WITHSCORES')
end
