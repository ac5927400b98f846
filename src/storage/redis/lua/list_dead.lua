-- Reads a part of the dead letters, by when the first of an id is deleted.
-- include: keys, time, bounds, record, dead, page
-- ARGV: topic or '' for all, id or '' for all, score and id of the last one before ('' and '' for the beginning), how
--   many ids to look at
-- Answers: score and id of the last one looked at ('' and '' at the end), then for each letter: id, topic, body, due ms
--   or '', attempts, reason, when it failed in ms, when it is deleted in ms or '', ready lifetime in ms or '', extras
--   or ''
expect_type(DEAD, 'zset')
local only_topic, only_id, limit = ARGV[1], ARGV[2], tonumber(ARGV[5])
local ids = only_id ~= '' and { only_id, '' } or page_of(DEAD, ARGV[3], ARGV[4], limit)
local answer, bytes = { '', '' }, 0
for i = 1, #ids, 2 do
  local id = ids[i]
  for _, letter in ipairs(letters_of(id)) do
    bytes = bytes + #letter.packed
    if only_topic == '' or letter.topic == only_topic then
      for _, value in ipairs({
        id, letter.topic, letter.body, letter.due, letter.attempts,
        letter.reason, letter.failed_at, letter.delete_at, letter.ttl, letter.extras,
      }) do
        answer[#answer + 1] = value
      end
    end
  end
  local is_last = i == #ids - 1
  if is_last and #ids < 2 * limit then break end
  if is_last or bytes > MOST_BYTES then
    answer[1], answer[2] = ids[i + 1], id
    break
  end
end
return answer
