-- Counts a part of a ready list: what can be taken, what has expired, and what is wrong.
-- include: keys, time, topics_of
-- ARGV: topic, first index from the left, how many to look at, 1 to take a job that has a topic for whole
-- Answers: entries looked at, how many µs that took, msgpack of the ids of those that can be taken and of those that
--   have expired, and an array of those of which something is wrong, for each id and what (pooled, other, incomplete,
--   or the type of a key in the place of the body); those that are incomplete or of a wrong type have expired as well
local topic, first, is_plain = ARGV[1], tonumber(ARGV[2]), ARGV[4] == '1'
local began = now_us()
local now = math.floor(began / 1000)
local ids = redis.call('LRANGE', READY .. topic, first, first + ARGV[3] - 1)
if #ids == 0 then return { 0, 0, '', '', {} } end
-- When the pool is absent or of a wrong type, no id is in it.
local in_pool = type_of(POOL) == 'zset' and redis.call('ZMSCORE', POOL, unpack(ids)) or {}
local alive, expired, wrong = {}, {}, {}

local function is_wrong(id, what)
  wrong[#wrong + 1] = id
  wrong[#wrong + 1] = what
end

local function look_at(id, is_pooled)
  local bucket, found = BUCKET .. id, topic_of_id(id)
  if is_pooled then return is_wrong(id, 'pooled') end
  local is_over = type(found) == 'string' and is_expired(expiry_of(bucket), now)
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

local topic_of = topics_of(READY .. topic, first, #ids, function() return ids end)
for i, id in ipairs(ids) do
  -- An empty id is a hole that another entry has left (lib/holes.lua).
  if id ~= '' then
    if is_plain and topic_of[i] == topic and not in_pool[i] then
      alive[#alive + 1] = id
    else
      look_at(id, in_pool[i])
    end
  end
end
return { #ids, now_us() - began, cmsgpack.pack(alive), cmsgpack.pack(expired), wrong }
