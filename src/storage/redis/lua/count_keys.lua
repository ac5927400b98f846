-- Is each key of the database one of those that are known: one of delayer's own, a ready list of a topic that was seen,
-- and one for each entry of these lists and of the sorted sets? Then there is no other ready list, unless entries have
-- no key: whoever counts them finds out.
-- include: keys
-- ARGV: of no more topics the lists are looked at
-- Answers: 1 where that is so, else 0; then the topics that have a list
local most = tonumber(ARGV[1])
local topics = read('ZRANGE', TOPICS, 0, most)
if not topics or #topics > most then return { 0 } end

local known = redis.call('EXISTS', POOL, RESERVED, READY_DUE, DEAD, PAUSED, READY_KNOWN, SET_ASIDE, TOPICS, DAEMONS)
for _, key in ipairs({ POOL, RESERVED, DEAD }) do
  local entries = read('ZCARD', key)
  if not entries then return { 0 } end
  known = known + entries
end
for _, daemon in ipairs(read('ZRANGE', DAEMONS, 0, most) or {}) do
  known = known + redis.call('EXISTS', DAEMON .. daemon)
end

local answer = { 0 }
for _, topic in ipairs(topics) do
  local entries = read('LLEN', READY .. topic)
  if not entries then return { 0 } end
  if entries > 0 then
    known, answer[#answer + 1] = known + 1 + entries, topic
  end
end
answer[1] = known == redis.call('DBSIZE') and 1 or 0
return answer
