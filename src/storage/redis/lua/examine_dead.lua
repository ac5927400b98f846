-- Looks at a part of the dead letters for records that cannot be read, and for letters that should have been
-- deleted.
-- include: keys, time, bounds, record, dead, letters
-- ARGV: first rank, how many ids to look at, how long (ms) a letter is past its time when somebody should have
--   deleted it
-- Answers: how many were looked at (0 at the end), the latest time (ms) at which one failed, or 0, then for each id
--   that is not as it should be: id, what (gone, type, unreadable, newer, past or end), what was found (the type of a
--   key, a score) or '', how many letters
expect_type(DEAD, 'zset')
local first, grace, now = tonumber(ARGV[1]), tonumber(ARGV[3]), now_ms()
local answer, looked_at, bytes, latest = { 0, 0 }, 0, 0, 0

-- Of many letters those that failed first and last. An error where one of them is of a later version.
local function letters_at_ends(id, count)
  if count <= 2 * MOST_LETTERS then return letters_of(id), count end
  local letters = letters_of(id, MOST_LETTERS)
  local latest_read = 0
  read_oldest(id, count, function(letter, packed)
    if letter then
      letter.packed = packed
      letters[#letters + 1] = letter
    end
    latest_read = latest_read + 1
    return latest_read == MOST_LETTERS
  end)
  return letters, 2 * MOST_LETTERS
end

-- When the first of the letters is to be deleted, in ms; and how many should be gone.
local function first_end(letters)
  local first_at, past = math.huge, 0
  for _, letter in ipairs(letters) do
    if letter.delete_at ~= '' then
      first_at = math.min(first_at, letter.delete_at)
      if letter.delete_at < now - grace then past = past + 1 end
    end
    if letter.failed_at ~= '' then latest = math.max(latest, letter.failed_at) end
    bytes = bytes + #letter.packed
  end
  return first_at, past
end

-- Of many letters the first may be gone already (lib/letters.lua).
local function is_noted(score, first_at, letters)
  local noted_at = tonumber(score) * 1000
  if letters > MOST_LETTERS and noted_at < first_at then return true end
  return noted_at == first_at or math.abs(noted_at - first_at) <= 1
end

-- What is wrong, what was found, and for how many letters; nil when nothing is wrong.
local function look_at(id, score)
  local key = DEAD_LETTER .. id
  local found = type_of(key)
  if found == 'none' then return 'gone', '', 1 end
  if found ~= 'list' then return 'type', found, 1 end
  local count = count_letters(id)
  local ok, letters, examined = pcall(letters_at_ends, id, count)
  if not ok then return 'newer', '', 1 end
  local first_at, past = first_end(letters)
  if #letters < examined then return 'unreadable', '', 1 end
  if not is_noted(score, first_at, count) then return 'end', score, count end
  if past > 0 then return 'past', '', past end
end

local members = redis.call('ZRANGE', DEAD, first, first + tonumber(ARGV[2]) - 1, 'WITHSCORES')
for i = 1, #members, 2 do
  local what, found, count = look_at(members[i], members[i + 1])
  if what then
    for _, value in ipairs({ members[i], what, found, count }) do answer[#answer + 1] = value end
  end
  looked_at = looked_at + 1
  if bytes > MOST_BYTES then break end
end
answer[1], answer[2] = looked_at, latest
return answer
