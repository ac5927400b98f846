-- Up to `limit` members of a sorted set and their scores, in order of score, behind one that was the last of the page
-- before ('' and '' for the beginning; a score alone begins there). If that one has moved, it goes on at its old
-- score. `is_reversed`: from the end.
local function page_of(key, score, member, limit, is_reversed)
  local first = 0
  if score ~= '' then
    local is_there = member ~= '' and redis.call('ZSCORE', key, member) == score
    if is_there then
      first = redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 1
    elseif is_reversed then
      first = redis.call('ZCOUNT', key, '(' .. score, '+inf')
    else
      first = redis.call('ZCOUNT', key, '-inf', '(' .. score)
    end
  end
  return redis.call(is_reversed and 'ZREVRANGE' or 'ZRANGE', key, first, first + limit - 1, 'WITHSCORES')
end
