-- Counts a part of a ready list: what can be taken, what has expired, and what is wrong.
-- include: keys, time, topics_of
-- ARGV: topic, first and last index from the left, 1 to take a job that has a topic for whole
-- Answers: entries looked at, msgpack of the ids of those that can be taken and of those that have expired, and
--   an array of those of which something is wrong, for each id and what (pooled, other, incomplete, or the type
--   of a key in the place of the body); those that are incomplete or of a wrong type have expired as well
local topic, is_plain, now = ARGV[1], ARGV[4] == '1', now_ms()
local ids = redis.call('LRANGE', READY .. topic, ARGV[2], ARGV[3])
if #ids == 0 then return { 0, '', '', {} } end
-- Where the pool is of a wrong type no id is in it.
local in_pool = redis.pcall('ZMSCORE', POOL, unpack(ids))
local alive, expired, wrong = {}, {}, {}

local function is_wrong(id, what)
  wrong[#wrong + 1] = id
  wrong[#wrong + 1] = what
end

local topic_of = topics_of(READY .. topic, ARGV[2], ids)

local function look_at(id, is_pooled, found)
  local bucket = BUCKET .. id
  if is_pooled then return is_wrong(id, 'pooled') end
  if is_plain and found == topic then
    alive[#alive + 1] = id
    return
  end
  local is_over = found and type(found) == 'string' and is_expired(expiry_of(bucket), now)
  if type(found) == 'string' and found ~= topic and not is_over then return is_wrong(id, 'other') end
  local has_body = found == topic and redis.call('HEXISTS', bucket, 'body') == 1
  if has_body and not is_over then
    alive[#alive + 1] = id
    return
  end
  expired[#expired + 1] = id
  if type(found) == 'table' then return is_wrong(id, type_of(bucket)) end
  if not is_over and redis.call('EXISTS', bucket) == 1 then is_wrong(id, 'incomplete') end
end

-- An empty id is a hole that another entry has left (lib/holes.lua).
for i, id in ipairs(ids) do
  if id ~= '' then look_at(id, in_pool[i], topic_of[i]) end
end
return { #ids, cmsgpack.pack(alive), cmsgpack.pack(expired), wrong }
