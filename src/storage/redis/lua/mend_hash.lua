-- Deletes values of one of delayer's own hashes that no version wrote, and notes of jobs of which nothing else is
-- left.
-- include: keys, time, note, aside, written, bounds
-- ARGV: which hash (lib/written.lua), then the fields
-- Answers: for each field whether it was deleted
local hash, answer = HASHES[ARGV[1]], {}
expect_type(hash.key, 'hash')

local function may_go(field, value)
  if not value then return false end
  local what = who_wrote(hash, value)
  if what ~= '' then return what == 'strange' end
  if ARGV[1] ~= 'notes' or redis.call('EXISTS', BUCKET .. field) == 1 then return false end
  -- A note says where an old entry stands, so it is not deleted before that.
  return not is_in_ready_list(field, noted_topic(value), true)
end

for i = 2, #ARGV do
  local goes = may_go(ARGV[i], redis.call('HGET', hash.key, ARGV[i]))
  answer[i - 1] = goes and redis.call('HDEL', hash.key, ARGV[i]) or 0
end
return answer
