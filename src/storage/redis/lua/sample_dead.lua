-- Looks at the dead letters of some ids at random, of one perhaps twice.
-- include: keys, time, bounds, record, dead
-- ARGV: how many ids
-- Answers: how many ids were looked at, then for each topic of each id: topic, letters
expect_type(DEAD, 'zset')
local answer, looked_at, bytes = { 0 }, 0, 0
for _, id in ipairs(redis.call('ZRANDMEMBER', DEAD, -tonumber(ARGV[1]))) do
  local counts = {}
  for _, letter in ipairs(letters_of(id)) do
    counts[letter.topic] = (counts[letter.topic] or 0) + 1
    bytes = bytes + #letter.packed
  end
  for topic, count in pairs(counts) do
    answer[#answer + 1] = topic
    answer[#answer + 1] = count
  end
  looked_at = looked_at + 1
  if bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
