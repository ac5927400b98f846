-- Counts a part of the dead letters by topic.
-- include: keys, time, bounds, record, dead
-- ARGV: first rank, how many ids to look at
-- Answers: ids looked at (0 at the end), an array of those whose letters are gone, of a wrong type or
--   in part not written by any version, then for
--   each letter its topic
expect_type(DEAD, 'zset')
local first, gone, looked_at, bytes = tonumber(ARGV[1]), {}, 0, 0
local answer = { 0, gone }
for _, id in ipairs(redis.call('ZRANGE', DEAD, first, first + tonumber(ARGV[2]) - 1)) do
  local letters = letters_of(id)
  local kept = read('LLEN', DEAD_LETTER .. id) or 0
  if #letters == 0 or #letters < kept then gone[#gone + 1] = id end
  for _, letter in ipairs(letters) do
    answer[#answer + 1] = letter.topic
    bytes = bytes + #letter.packed
  end
  looked_at = looked_at + 1
  if bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
