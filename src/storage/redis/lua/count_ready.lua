-- Counts a part of a ready list: what can be taken, what has expired, and what is wrong.
-- include: keys, time
-- ARGV: topic, first and last index from the left
-- Answers: entries looked at, an array of the ids of those that can be taken, one of those that have expired,
--   and one of those of which something is wrong, for each id and what (pooled, other, incomplete, or the type
--   of a key in the place of the body); those that are incomplete or of a wrong type have expired as well
local topic, now = ARGV[1], now_ms()
local ids = redis.call('LRANGE', READY .. topic, ARGV[2], ARGV[3])
if #ids == 0 then return { 0, {}, {}, {} } end
-- Where the pool is of a wrong type no id is in it.
local in_pool = redis.pcall('ZMSCORE', POOL, unpack(ids))
local alive, expired, wrong = {}, {}, {}
local function is_wrong(id, what)
  wrong[#wrong + 1] = id
  wrong[#wrong + 1] = what
end
for i, id in ipairs(ids) do
  local bucket = BUCKET .. id
  -- A string, false when there is none, or a table with an error when the key is no hash.
  local found = redis.pcall('HGET', bucket, 'topic')
  if in_pool[i] then
    is_wrong(id, 'pooled')
  elseif type(found) == 'string' and found ~= topic then
    is_wrong(id, 'other')
  elseif type(found) == 'table' then
    expired[#expired + 1] = id
    is_wrong(id, type_of(bucket))
  elseif not found then
    expired[#expired + 1] = id
    if redis.call('EXISTS', bucket) == 1 then is_wrong(id, 'incomplete') end
  elseif is_expired(expiry_of(bucket, now), now) then
    expired[#expired + 1] = id
  elseif redis.call('HEXISTS', bucket, 'body') == 0 then
    expired[#expired + 1] = id
    is_wrong(id, 'incomplete')
  else
    alive[#alive + 1] = id
  end
end
return { #ids, alive, expired, wrong }
