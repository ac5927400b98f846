-- Reads a part of the dead letters, by when the first of an id is deleted; those of an id, the latest first.
-- include: keys, time, bounds, record, dead, letters, page
-- ARGV: topic or '' for all, id or '' for all, score and id of the last one before ('' and '' for the beginning), how
--   many of the letters of that id, the oldest, are still to be read, how many ids to look at
-- Answers: score and id of the last one looked at ('' and '' at the end), how many of its letters are still to be
--   read, then for each letter: id, topic, body, due ms or '', attempts, reason, when it failed in ms, when it is
--   deleted in ms or '', ready lifetime in ms or '', extras or ''
expect_type(DEAD, 'zset')
local only_topic, only_id, last_score, last_id, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[6])
-- How many letters one run reads, beside MOST_BYTES; it may stop among those of an id.
local MOST = 250
local answer, bytes, count = { '', '', 0 }, 0, 0

local function is_full()
  return count >= MOST or bytes > MOST_BYTES
end

local function add_letters(id, older)
  return read_oldest(id, older, function(letter, packed)
    if letter and (only_topic == '' or letter.topic == only_topic) then
      for _, value in ipairs({
        id, letter.topic, letter.body, letter.due, letter.attempts,
        letter.reason, letter.failed_at, letter.delete_at, letter.ttl, letter.extras,
      }) do
        answer[#answer + 1] = value
      end
    end
    bytes, count = bytes + #packed, count + 1
    return is_full()
  end)
end

-- Where to go on.
local function stop_at(score, id, older)
  answer[1], answer[2], answer[3] = score, id, older
  return answer
end

local older = tonumber(ARGV[5])
if only_id ~= '' then return stop_at('', '', add_letters(only_id, older > 0 and older or count_letters(only_id))) end
if older > 0 then
  local left = add_letters(last_id, older)
  if left > 0 or is_full() then return stop_at(last_score, last_id, left) end
end
local ids = page_of(DEAD, last_score, last_id, limit)
for i = 1, #ids, 2 do
  local left = add_letters(ids[i], count_letters(ids[i]))
  local is_last = i == #ids - 1
  if left > 0 or (is_full() and not is_last) or (is_last and #ids == 2 * limit) then
    return stop_at(ids[i + 1], ids[i], left)
  end
end
return answer
