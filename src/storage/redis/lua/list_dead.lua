-- Reads a part of the dead letters, by when the first of an id is deleted.
-- include: keys, time, bounds, record, dead
-- ARGV: first rank, how many ids to look at, topic or '' for all, id or '' for all
-- Answers: ids looked at (0 at the end), then for each letter: id, topic, body, due ms or '', attempts,
--   reason, when it failed in ms, when it is deleted in ms or '', extras or ''
expect_type(DEAD, 'zset')
local first, limit, only_topic, only_id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local ids = only_id ~= '' and { only_id } or redis.call('ZRANGE', DEAD, first, first + limit - 1)
local answer, looked_at, bytes = { 0 }, 0, 0
for _, id in ipairs(ids) do
  for _, letter in ipairs(letters_of(id)) do
    bytes = bytes + #letter.packed
    if only_topic == '' or letter.topic == only_topic then
      for _, value in ipairs({
        id, letter.topic, letter.body, letter.due, letter.attempts,
        letter.reason, letter.failed_at, letter.delete_at, letter.extras,
      }) do
        answer[#answer + 1] = value
      end
    end
  end
  looked_at = looked_at + 1
  if bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
