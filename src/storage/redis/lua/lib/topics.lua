-- needs: keys

-- TOPICS has each topic by the day on which it was last seen, so that views of a large database find the ready lists
-- without reading the names of all keys. In a smaller database views read these, and nothing is noted. Jobs do not
-- depend on it: if it cannot be written, nothing else fails. A topic that was not seen for so many days is
-- forgotten, and with the last topic the key.
local MANY_KEYS, DAY_MS, TOPIC_DAYS = 25000, 86400000, 40

local function see_topics(topics, now)
  if redis.call('DBSIZE') < MANY_KEYS then return end
  local members, day = {}, math.floor(now / DAY_MS)
  for _, topic in ipairs(topics) do
    members[#members + 1] = day
    members[#members + 1] = topic
  end
  if #members == 0 then return end
  -- Usually nothing changes, because the day is the same.
  local changed = redis.pcall('ZADD', TOPICS, 'CH', unpack(members))
  if type(changed) == 'number' and changed > 0 then
    redis.pcall('PEXPIRE', TOPICS, TOPIC_DAYS * DAY_MS)
  end
end

local function forget_topics(now)
  redis.pcall('ZREMRANGEBYSCORE', TOPICS, '-inf', math.floor(now / DAY_MS) - TOPIC_DAYS)
end
