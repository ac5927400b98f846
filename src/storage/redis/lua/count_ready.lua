-- Counts a part of a ready list: what is alive, and what is dead or stale.
-- include: keys, time
-- ARGV: topic, first and last index from the left
-- Answers: alive, dead (no body), stale (will come by the pool, or belongs to another topic by now)
local topic = ARGV[1]
local ids = redis.call('LRANGE', READY .. topic, ARGV[2], ARGV[3])
if #ids == 0 then return { 0, 0, 0 } end
-- Where the pool is of a wrong type no id is in it.
local in_pool = redis.pcall('ZMSCORE', POOL, unpack(ids))
local alive, dead, stale = 0, 0, 0
for i, id in ipairs(ids) do
  local found = redis.pcall('HGET', BUCKET .. id, 'topic')
  if in_pool[i] or (type(found) == 'string' and found ~= topic) then
    stale = stale + 1
  elseif found == topic then
    alive = alive + 1
  else
    dead = dead + 1
  end
end
return { alive, dead, stale }
