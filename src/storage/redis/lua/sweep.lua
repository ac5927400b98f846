-- Removes entries that are no ready jobs from a part of a ready list: those of jobs that have expired, that are in
-- the pool, or that are in the ready list of another topic by now, and second entries of one job. The only entry of a
-- job of another topic stays, because without it nothing would lead to that job; mend_entries.lua moves it.
-- include: keys, time, note, bounds, mark, known, holes
-- ARGV: topic, index from the left, or -1 for the part at the right end, how many entries to look at
-- Answers: how many of them had expired, how many entries were taken out in all, the index where to go on or -1 at
--   the end, how many of those that were taken out stood there a second time, msgpack of the ids of ready jobs
--   among them where these may have a second entry in another part of the list, or '', and msgpack of the ids of jobs
--   of another topic whose only entry is here, or ''
local topic, from = ARGV[1], tonumber(ARGV[2])
local ready = READY .. topic
if type_of(ready) ~= 'list' then return { 0, 0, -1, 0, '', '' } end
expect_type(READY_DUE, 'hash')

-- Entries in the middle of a list that are overwritten, at up to 50 µs each: one for so many that are looked at.
local WRITTEN_OF = 25
local entries = redis.call('LLEN', ready)
local most_entries = tonumber(ARGV[3])
local window = math.max(1, math.floor(most_entries * 1000 / walk_cost(ready, 1000)))
if from < 0 then from = math.max(0, entries - window) end
local ids = redis.call('LRANGE', ready, from, from + window - 1)
if #ids == 0 then return { 0, 0, -1, 0, '', '' } end
local last = from + #ids - 1

local in_pool, seen, alive, misplaced = read('ZMSCORE', POOL, unpack(ids)) or {}, {}, {}, {}
local function is_no_job(i)
  local id = ids[i]
  -- A string, false when there is none, or a table with an error when the key is not a hash.
  local found = redis.pcall('HGET', BUCKET .. id, 'topic')
  if type(found) == 'table' then return false end
  if in_pool[i] or seen[id] or not found or found == '' then return true end
  if found ~= topic and is_in_ready_list(id, found, false) then return true end
  seen[id] = true
  local kind = found == topic and alive or misplaced
  kind[#kind + 1] = id
  return false
end

-- From the right, so that of two entries of one job the one that is delivered first stays.
local gone = {}
for i = #ids, 1, -1 do gone[i] = is_no_job(i) end
local at_left, at_right = 0, 0
if from == 0 then while at_left < #ids and gone[at_left + 1] do at_left = at_left + 1 end end
if last >= entries - 1 then while at_right < #ids - at_left and gone[#ids - at_right] do at_right = at_right + 1 end end

local was_known = is_marked(topic, entries)
-- An id stands only once in a list that only delayer has filled; in a very long one, looking for all entries of an id
-- takes too long (mend_entries.lua).
local may_be_doubled = #ids < entries and not was_known and walk_cost(ready, entries) <= walk_budget
local middle, stop = {}, #ids - at_right
for i = at_left + 1, stop do
  if gone[i] then
    if #middle * WRITTEN_OF >= most_entries then
      stop = i - 1
      break
    end
    middle[#middle + 1] = i
  end
end

-- The notes of removed entries are deleted with them, when no other entry of the id is left.
local expired, doubled, noted = 0, 0, {}
local function note_goes(i)
  local id = ids[i]
  if id ~= '' and seen[id] and not in_pool[i] then doubled = doubled + 1 end
  if id ~= '' and not seen[id] then noted[#noted + 1] = id end
  if id ~= '' and not in_pool[i] and redis.call('EXISTS', BUCKET .. id) == 0 then expired = expired + 1 end
end

-- Far from both ends nothing is removed; the entry moves towards the right end with time.
local near = math.min(last + 1, entries - from)
local holes = {}
if #middle > 0 and walk_cost(ready, near) <= walk_budget then
  for n, i in ipairs(middle) do
    holes[n] = from + i - 1 - at_left
    note_goes(i)
  end
end
for i = 1, at_left do note_goes(i) end
for i = #ids - at_right + 1, #ids do note_goes(i) end
if at_right > 0 then redis.call('LTRIM', ready, 0, -at_right - 1) end
if at_left > 0 then redis.call('LTRIM', ready, at_left, -1) end
if was_known and at_left + at_right > 0 then know_list(topic, entries) end
take_out(topic, holes)
for i = 1, #noted, 1000 do
  local part = { unpack(noted, i, math.min(i + 999, #noted)) }
  for n, note in ipairs(redis.call('HMGET', READY_DUE, unpack(part))) do
    if noted_topic(note) == topic then redis.call('HDEL', READY_DUE, part[n]) end
  end
end

local taken = at_left + at_right + #holes
local next_index = stop < #ids - at_right and from + stop or last + 1
local at_end = next_index > entries - 1 - at_right
local go_on = at_end and -1 or math.max(0, next_index - taken)
local packed = #misplaced > 0 and cmsgpack.pack(misplaced) or ''
return { expired, taken, go_on, doubled, may_be_doubled and cmsgpack.pack(alive) or '', packed }
