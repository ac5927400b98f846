-- Looks at a part of a ready list for entries with something wrong.
-- include: keys, time
-- ARGV: topic, first and last index from the left
-- Answers: entries looked at, msgpack of the ids that can be taken and of the others, how many entries are holes, how
--   many are of expired jobs, how many that can be taken were not put there by delayer, then for each flaw: id, what
--   (pooled, other, incomplete, or the type of a key in the place of the body) and the topic of its body or ''
local topic, now = ARGV[1], now_ms()
local ids = redis.call('LRANGE', READY .. topic, ARGV[2], ARGV[3])
if #ids == 0 then return { 0, '', '', 0, 0, 0 } end
-- When a key is of a wrong type, no id is in it.
local in_pool = read('ZMSCORE', POOL, unpack(ids)) or {}
local notes = read('HMGET', READY_DUE, unpack(ids)) or {}
local alive, others, holes, expired, unnoted = {}, {}, 0, 0, 0
local answer = { #ids, '', '', 0, 0, 0 }

-- What is wrong, and the topic of the body; nil when the job can be taken or has expired.
local function look_at(id, is_pooled)
  local bucket = BUCKET .. id
  local found = redis.pcall('HGET', bucket, 'topic')
  if is_pooled then return 'pooled', type(found) == 'string' and found or '' end
  if type(found) == 'table' then return type_of(bucket), '' end
  if redis.call('EXISTS', bucket) == 0 or is_expired(expiry_of(bucket), now) then return nil, nil, true end
  if found and found ~= topic then return 'other', found end
  if not found or redis.call('HEXISTS', bucket, 'body') == 0 then return 'incomplete', found or '' end
end

-- An empty id is a hole that another entry has left (lib/holes.lua).
for i, id in ipairs(ids) do
  if id == '' then
    holes = holes + 1
  else
    local what, of_topic, is_over = look_at(id, in_pool[i])
    if what or is_over then
      others[#others + 1] = id
    else
      alive[#alive + 1] = id
      if not notes[i] then unnoted = unnoted + 1 end
    end
    if is_over then expired = expired + 1 end
    if what then
      for _, value in ipairs({ id, what, of_topic }) do answer[#answer + 1] = value end
    end
  end
end
answer[2], answer[3] = cmsgpack.pack(alive), cmsgpack.pack(others)
answer[4], answer[5], answer[6] = holes, expired, unnoted
return answer
