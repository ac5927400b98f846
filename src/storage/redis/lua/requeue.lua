-- Makes dead letters jobs again, the one of each id that failed last, with no attempts and their whole
-- ready lifetime.
-- include: keys, time, note, bounds, known, entry, record, dead, schedule, wake
-- ARGV: delay in ms, wake channel, then the ids
-- Answers: requeued, none or duplicate_id for each
expect_type(POOL, 'zset')
expect_type(DEAD, 'zset')
expect_type(READY_DUE, 'hash')
local DEFAULT_TTL_MS = 604800000
local now, answer = now_ms(), {}
local due, first = now + tonumber(ARGV[1]), nil

for i = 3, #ARGV do
  local id = ARGV[i]
  local letters = letters_of(id)
  local letter = table.remove(letters, 1)
  if not letter then
    answer[#answer + 1] = 'none'
  elseif is_taken(BUCKET .. id, now) then
    answer[#answer + 1] = 'duplicate_id'
  else
    -- The first write is one that Redis refuses when it is out of memory, and the letter goes last: where a
    -- user may not run one of these commands, it stays.
    redis.call('ZADD', POOL, score_in_order(due), id)
    leave_all_lists(id, letter.topic)
    redis.call('HSET', BUCKET .. id, 'topic', letter.topic, 'body', letter.body)
    redis.call('PEXPIREAT', BUCKET .. id, due + (letter.ttl ~= '' and letter.ttl or DEFAULT_TTL_MS))
    delete_letters(id, { letter }, letters)
    first = first or id
    answer[#answer + 1] = 'requeued'
  end
end
wake_if_next(ARGV[2], due, first, now)
return answer
