-- Which of these ids have a body, but no place in the pool or among the jobs that were set aside?
-- include: keys
-- ARGV: the ids
-- Answers: for each of those, id and topic of its body, or '' where the key is no job's
local answer = {}
local in_pool = read('ZMSCORE', POOL, unpack(ARGV)) or {}
for i, id in ipairs(ARGV) do
  if not in_pool[i] and read('HEXISTS', SET_ASIDE, id) ~= 1 then
    local found = redis.pcall('HGET', BUCKET .. id, 'topic')
    if type(found) ~= 'string' and redis.call('EXISTS', BUCKET .. id) == 1 then found = '' end
    if found then
      answer[#answer + 1] = id
      answer[#answer + 1] = found
    end
  end
end
return answer
