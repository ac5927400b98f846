-- Makes delayed jobs due now and ready at once, before all other jobs of their topics. It stops before the first job
-- whose body is one too many for this run, or for which it has no time.
-- include: keys, time, note, memo, bounds, mark, known, entry, holes, clear, leave, lookup, record, redate, line
-- ARGV: msgpack of, for each job: its guard (lib/lookup.lua)
-- Answers: for each job that was dealt with: whether it was made ready (0 or 1), and what it was (delayed, due, ready,
--   expired, dead or none)
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(RESERVED, 'zset')
-- Places within a millisecond, for the jobs that were promoted in it.
local PLACES_PER_MS = 100
-- Writing takes longer than looking the jobs up.
local LOOK_US = 2500
local jobs, now, answer, ids, seen, chosen = cmsgpack.unpack(ARGV[1]), now_ms(), {}, {}, {}, {}
local WIDTH = 6
for i = 1, #jobs, WIDTH do ids[#ids + 1] = jobs[i] end
look_for(ids, {}, LOOK_US)

-- A job that is to be made ready, by its topic. False when its body is one too many for this run.
local function choose(id, it, memo)
  local kept, of_topic = read_for_new_due(id, it, memo), chosen[it.topic]
  if not kept then return false end
  if not of_topic then
    of_topic = {}
    chosen[it.topic] = of_topic
  end
  of_topic[#of_topic + 1] = {
    id = id, it = it, kept = kept, score = tonumber(it.score), place = nil, written_expiry = nil,
  }
  seen[id] = true
  return true
end

local n = 0
for i = 1, #jobs, WIDTH do
  local id, states, due, topic, body_mark, expires_at = unpack(jobs, i, i + WIDTH - 1)
  if has_looked_enough(n / 2) then break end
  local it, memo = look_up_delayed(id, now, states, due)
  local state = seen[id] and 'ready' or told_state(id, it)
  local is_ours = state == 'delayed' and is_meant(id, it, states, due, topic, body_mark, expires_at)
    and list_seen(it.topic).is_usable
  if is_ours and not choose(id, it, memo) then break end
  answer[n + 1], answer[n + 2] = is_ours and 1 or 0, state
  n = n + 2
end

-- In order of their places in the pool. Mostly they come in the reverse of it.
local function in_order(entries)
  local sorted, count, is_sorted = {}, #entries, true
  for i = 1, count do
    sorted[i] = entries[count + 1 - i]
    if i > 1 and sorted[i - 1].score >= sorted[i].score then is_sorted = false end
  end
  if is_sorted then return sorted end
  table.sort(sorted, function(a, b)
    if a.score ~= b.score then return a.score < b.score end
    return a.id < b.id
  end)
  return sorted
end

-- The place before that of the first in line; before all jobs that are not promoted, also before one that is leased
-- now and comes back later.
local function first_place(topic)
  local head = redis.call('LINDEX', READY .. topic, -1)
  local place = head and read_place(read_note(redis.call('HGET', READY_DUE, head)) or '')
  return math.min(-now * PLACES_PER_MS, place or 0)
end

local function put_first(topic, entries)
  local first, written, line, count = first_place(topic), {}, {}, #entries
  for i = 1, count do
    local entry = entries[i]
    entry.place, entry.written_expiry = first - count + i - 1, expiry_from(entry.it, entry.kept, now)
    written[2 * i - 1] = entry.id
    written[2 * i] = write_note(place_to_text(entry.place, now), entry.written_expiry, topic)
    line[count + 1 - i] = entry.id
  end
  redis.call('HSET', READY_DUE, unpack(written))
  put_at_head(topic, line)
end

-- The pool is changed last: if an ACL forbids one of these commands, the job is still there.
if next(chosen) then allow_writes() end
for topic, unsorted in pairs(chosen) do
  local entries, moved = in_order(unsorted), {}
  for _, entry in ipairs(entries) do
    if entry.it.note then end_older_notes({ entry.id }) end
    leave_old_entries(entry.id, entry.it)
  end
  put_first(topic, entries)
  for i, entry in ipairs(entries) do
    write_new_due(entry.id, entry.it, entry.kept, now, entry.written_expiry)
    moved[i] = entry.id
  end
  redis.call('ZREM', POOL, unpack(moved))
end
return answer
