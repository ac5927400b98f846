-- Counts a part of the dead letters by topic.
-- include: keys, time, bounds, record, dead, letters
-- ARGV: first rank, how many of the letters of that id, the oldest, are still to be counted (0 for all), how many ids
--   to look at
-- Answers: ids looked at (0 at the end, or where there are letters of the first one still to be counted), an array of
--   those whose letters are gone, of a wrong type or in part not written by any version, how many letters of the next
--   id are still to be counted, then for each letter its topic
expect_type(DEAD, 'zset')
-- How many letters one run reads, beside MOST_BYTES; it may stop among those of an id.
local MOST = 250
local first, older, gone, looked_at, bytes, count = tonumber(ARGV[1]), tonumber(ARGV[2]), {}, 0, 0, 0
local answer = { 0, gone, 0 }

local function is_full()
  return count >= MOST or bytes > MOST_BYTES
end

for _, id in ipairs(redis.call('ZRANGE', DEAD, first, first + tonumber(ARGV[3]) - 1)) do
  local letters, is_whole = older > 0 and older or count_letters(id), true
  if letters == 0 then is_whole = false end
  older = read_oldest(id, letters, function(letter, packed)
    if letter then answer[#answer + 1] = letter.topic else is_whole = false end
    bytes, count = bytes + #packed, count + 1
    return is_full()
  end)
  if not is_whole then gone[#gone + 1] = id end
  if older > 0 then break end
  looked_at = looked_at + 1
  if is_full() then break end
end
answer[1], answer[3] = looked_at, older
return answer
