-- Looks at the dead letters of some ids at random, of one perhaps twice. Of many of one id it reads the latest, and
-- takes the others to be like them.
-- include: keys, time, bounds, record, dead, letters
-- ARGV: how many ids
-- Answers: how many ids were looked at, then for each topic of each id: topic, letters
expect_type(DEAD, 'zset')
local answer, looked_at, bytes = { 0 }, 0, 0
for _, id in ipairs(redis.call('ZRANDMEMBER', DEAD, -tonumber(ARGV[1]))) do
  local counts, count, read_of_id = {}, count_letters(id), 0
  read_oldest(id, count, function(letter, packed)
    if letter then counts[letter.topic] = (counts[letter.topic] or 0) + 1 end
    bytes, read_of_id = bytes + #packed, read_of_id + 1
    return read_of_id == MOST_LETTERS
  end)
  for topic, found in pairs(counts) do
    answer[#answer + 1] = topic
    answer[#answer + 1] = math.floor(found * count / read_of_id + 0.5)
  end
  looked_at = looked_at + 1
  if bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
