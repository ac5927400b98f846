-- Counts a part of a ready list: what lives, and what is expired or stale.
-- include: keys, time
-- ARGV: topic, first and last index from the left
-- Answers: alive, expired (no body), stale (will come by the pool, or belongs to another topic by now)
local topic, now = ARGV[1], now_ms()
local ids = redis.call('LRANGE', READY .. topic, ARGV[2], ARGV[3])
if #ids == 0 then return { 0, 0, 0 } end
-- Where the pool is of a wrong type no id is in it.
local in_pool = redis.pcall('ZMSCORE', POOL, unpack(ids))
local alive, expired, stale = 0, 0, 0
for i, id in ipairs(ids) do
  local found = redis.pcall('HGET', BUCKET .. id, 'topic')
  if in_pool[i] or (type(found) == 'string' and found ~= topic) then
    stale = stale + 1
  elseif found == topic and not is_expired(expiry_of(BUCKET .. id, now), now) then
    alive = alive + 1
  else
    expired = expired + 1
  end
end
return { alive, expired, stale }
