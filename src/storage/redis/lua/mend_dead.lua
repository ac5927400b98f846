-- Notes again when the first dead letter of an id is to be deleted, if the note is missing or wrong; removes notes
-- of letters that are gone. Letters that cannot be read are noted as kept for ever, so that they are reported as such;
-- those of a later version are left alone.
-- include: keys, time, bounds, record, dead
-- ARGV: the ids
-- Answers: for each of the first ids, for as many as one run reads, whether something was mended
expect_type(DEAD, 'zset')
local bytes, answer = 0, {}

local function mend(id)
  if type_of(DEAD_LETTER .. id) == 'none' then return redis.call('ZREM', DEAD, id) end
  local ok, letters = pcall(letters_of, id)
  if not ok then return 0 end
  if #letters == 0 then return redis.call('ZADD', DEAD, 'NX', 'inf', id) end
  for _, letter in ipairs(letters) do bytes = bytes + #letter.packed end
  local before = redis.call('ZSCORE', DEAD, id)
  delete_letters(id, {}, letters)
  return redis.call('ZSCORE', DEAD, id) ~= before and 1 or 0
end

for _, id in ipairs(ARGV) do
  answer[#answer + 1] = mend(id)
  if bytes > MOST_BYTES then break end
end
return answer
