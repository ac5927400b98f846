-- Looks through a part of a long ready list, from the left, for entries of ids that are to be pushed. Entries of ids
-- that are no ready jobs of that topic are taken out, and all entries of a ready job but the one that is delivered.
-- include: keys, time, note, bounds, mark, known, holes, clear
-- ARGV: topic, index from the left, the id before that index, msgpack of the ids
-- Answers: index where to go on (0: begin anew, what was found before does not count), or -1 at the end; the id before
--   that index; from index 0 how each id stands (lib/clear.lua), otherwise nothing; then for each entry that was left
--   where it is its id and index
local topic, from, before, ids = ARGV[1], tonumber(ARGV[2]), ARGV[3], cmsgpack.unpack(ARGV[4])
local ready = READY .. topic
local answer = { -1, '', {} }
if from == 0 then
  for i, id in ipairs(ids) do answer[3][i] = standing_of(topic, id) end
end
if type_of(ready) ~= 'list' then return answer end

-- Entries that are read, at some 0.3 µs each; searching for a few ids with LPOS is twenty times as fast. The run
-- does nothing else, so it may read more than others.
local WINDOW, FEW_IDS, WALK = 5000, 4, 400000
-- An entry that is written over costs up to 50 µs; entries of one id that LREM takes out together next to nothing.
local MOST_WRITTEN, MOST_OF_ID = 100, 1000
local entries = redis.call('LLEN', ready)
local scale = 1000 / walk_cost(ready, 1000)
local window = math.max(1, math.floor(WINDOW * scale))
local walk = math.floor(WALK * scale / #ids)

-- Where to go on now: what is pushed into the list moves entries on, and what others take out moves them back. An
-- index that is too low costs time only. Nil when the entry before it is not near.
local function index_now()
  if redis.call('LINDEX', ready, from - 1) == before then return from end
  local first = math.max(0, from - 1 - math.max(OVERLAP, math.floor(window / 2)))
  for i, id in ipairs(redis.call('LRANGE', ready, first, from + math.max(OVERLAP, window))) do
    if id == before then return first + i end
  end
end

if from > 0 then
  from = index_now()
  if not from then return { 0, '', {} } end
end

-- Other clients may have put an id into a list many thousands of times. Of a ready job the last of the places stays: it
-- is taken out along with what the push writes.
-- LREM walks as far as LPOS did; from the right it would begin with that one, which is hidden from it.
local function take_out_together(id, places, is_right)
  local was_known, stays, count = is_marked(topic, entries), is_ready(topic, id), #places
  if stays then count = count - 1 end
  if stays and is_right then
    local from_end = places[1] - entries
    redis.call('LSET', ready, from_end, '')
    local reply = redis.pcall('LREM', ready, -count, id)
    redis.call('LSET', ready, from_end, id)
    if type(reply) == 'table' then error(reply.err) end
  else
    redis.call('LREM', ready, is_right and -count or count, id)
  end
  if was_known then know_list(topic, entries) end
end

-- { index, id } of entries of these ids, the index where to go on, and whether there is more of an id before that.
local function find_by_walking()
  local found, left = {}, entries - from
  local is_right = left <= walk
  walk_budget = math.max(0, walk_budget - math.min(left, walk) / scale)
  for _, id in ipairs(ids) do
    local rank, most = is_right and -1 or 1, is_right and math.max(1, left) or walk
    local places = redis.call('LPOS', ready, id, 'RANK', rank, 'COUNT', MOST_OF_ID, 'MAXLEN', most)
    if #places > MOST_WRITTEN then
      take_out_together(id, places, is_right)
      -- The indexes of the others are not what they were.
      return {}, from, true
    end
    for _, index in ipairs(places) do found[#found + 1] = { index = index, id = id } end
  end
  return found, is_right and -1 or walk, false
end

local function find_by_reading()
  local wanted, found = {}, {}
  for _, id in ipairs(ids) do wanted[id] = true end
  local part = redis.call('LRANGE', ready, from, from + window - 1)
  for i, id in ipairs(part) do
    if wanted[id] then found[#found + 1] = { index = from + i - 1, id = id } end
  end
  return found, #part == window and from + window or -1, false
end

local by_walking = #ids <= FEW_IDS and (from == 0 or entries - from <= walk)
local found, next_index, is_cut = (by_walking and find_by_walking or find_by_reading)()
table.sort(found, function(a, b) return a.index < b.index end)

-- The last one of a ready job is delivered, and the others are second ones.
local delivered, old = {}, {}
for i = #found, 1, -1 do
  local entry = found[i]
  if delivered[entry.id] == nil then delivered[entry.id] = is_ready(topic, entry.id) and entry.index end
end
for _, entry in ipairs(found) do
  if #old == MOST_WRITTEN then
    is_cut = true
    break
  end
  if delivered[entry.id] ~= entry.index then old[#old + 1] = entry.index end
end
local removed = take_out(topic, old)
if is_cut then
  next_index = from
else
  for _, entry in ipairs(found) do
    if delivered[entry.id] == entry.index then
      answer[#answer + 1] = entry.id
      answer[#answer + 1] = entry.index
    end
  end
end
if next_index >= 0 then
  answer[1] = math.max(0, next_index - removed)
  answer[2] = redis.call('LINDEX', ready, answer[1] - 1) or ''
end
return answer
