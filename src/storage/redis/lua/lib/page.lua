-- Does a member stand before another one with the same score? Byte by byte, because Lua's own comparison depends on
-- the locale.
local function stands_before(member, other)
  for i = 1, math.min(#member, #other) do
    local one, two = string.byte(member, i), string.byte(other, i)
    if one ~= two then return one < two end
  end
  return #member < #other
end

-- How many members of a sorted set stand before the place of a member that is gone.
local function rank_of_place(key, score, member)
  local low, high = redis.call('ZCOUNT', key, '-inf', '(' .. score), redis.call('ZCOUNT', key, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if stands_before(redis.call('ZRANGE', key, middle, middle)[1], member) then low = middle + 1 else high = middle end
  end
  return low
end

-- The rank after a member that was the last of the page before ('' and '' for the beginning; a score alone begins
-- there). If that member is gone, or has moved, it is the rank of its old place. `is_reversed`: from the end.
local function rank_behind(key, score, member, is_reversed)
  if score == '' then return 0 end
  if member ~= '' and redis.call('ZSCORE', key, member) == score then
    return redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 1
  end
  if not is_reversed then return rank_of_place(key, score, member) end
  if member == '' then return redis.call('ZCOUNT', key, '(' .. score, '+inf') end
  return redis.call('ZCARD', key) - rank_of_place(key, score, member)
end

-- Up to `limit` members after it, and their scores, in order of score.
local function page_of(key, score, member, limit, is_reversed)
  local first = rank_behind(key, score, member, is_reversed)
  return redis.call(is_reversed and 'ZREVRANGE' or 'ZRANGE', key, first, first + limit - 1, 'WITHSCORES')
end
