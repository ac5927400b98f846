-- Makes dead letters jobs again: for each id the one that failed last of those that are meant, with its whole ready
-- lifetime.
-- include: keys, time, note, memo, bounds, mark, known, entry, time_to_leave, record, dead, letters, schedule, wake
-- ARGV: whether they keep their attempts (0 or 1), wake channel, msgpack of, for each: id, topic or '' for any,
--   when it failed in ms or '' for any time, delay in ms
-- Answers: requeued, none or duplicate_id for each of the first. Fewer than were asked for where this run has no time
--   for more.
expect_type(POOL, 'zset')
expect_type(DEAD, 'zset')
expect_type(READY_DUE, 'hash')
local DEFAULT_TTL_MS = 604800000
local keeps_attempts, jobs, now, answer = ARGV[1] == '1', cmsgpack.unpack(ARGV[3]), now_ms(), {}
local earliest, is_first = math.huge, false

-- By id, its letters. An id from which one was taken has a job, so no other is taken from it.
local letters_by_id = {}

-- The letters of the id, and that one of them which is meant.
local function latest_letter(id, topic, failed_at)
  local letters = letters_by_id[id] or open_letters(id)
  letters_by_id[id] = letters
  local function is_one(letter) return topic == '' or letter.topic == topic end
  local is_of_many = failed_at ~= '' and letters.count > MOST_LETTERS
  local letter = is_of_many and find_among_many(letters, failed_at, is_one)
  -- A clock that was set back may have left letters in another order.
  return letters, letter or find_letters(letters, failed_at, is_one, 1)[1]
end

-- The first write is one that Redis refuses when it is out of memory, and the letter is deleted last: if an ACL
-- forbids one of these commands, it stays. Answers whether no other job is due before it.
local function requeue(id, letters, letter, due)
  local bucket, attempts = BUCKET .. id, keeps_attempts and letter.attempts or 0
  local score, is_next = score_in_order(due, now)
  redis.call('ZADD', POOL, score, id)
  leave_all_lists(id, letter.topic)
  redis.call('HSET', bucket, 'topic', letter.topic, 'body', letter.body)
  local expires_at = math.min(due + (letter.ttl ~= '' and letter.ttl or DEFAULT_TTL_MS), LAST_MS)
  redis.call('PEXPIREAT', bucket, expires_at)
  local memo = write_memo(attempts, '', due, expires_at, letter.topic, letter.body, letter.extras)
  redis.call('HSET', bucket, 'delayer', memo)
  take_letters(letters, { letter })
  delete_taken(letters)
  return is_next
end

for i = 1, #jobs, 4 do
  local id, topic, failed_at, due = jobs[i], jobs[i + 1], jobs[i + 2], math.min(now + jobs[i + 3], LAST_MS)
  local letters, letter = latest_letter(id, topic, failed_at)
  if not letter then
    answer[#answer + 1] = 'none'
  elseif is_taken(BUCKET .. id, now) then
    answer[#answer + 1] = 'duplicate_id'
  elseif not has_time_to_leave(id, letter.topic) then
    break
  else
    local is_next = requeue(id, letters, letter, due)
    if due < earliest then earliest, is_first = due, is_next end
    answer[#answer + 1] = 'requeued'
  end
end
if is_first then wake(ARGV[2], earliest) end
return answer
