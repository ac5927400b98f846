-- Makes delayed jobs due now and ready at once, before all other jobs of their topics; up to the first of which the
-- body is one too many to be read in this run.
-- include: keys, time, note, memo, bounds, known, entry, holes, clear, lookup, record, redate, line
-- ARGV: msgpack of, for each job: id, the names of the states in which it is meant, each with a space before and after
--   it, due time in ms or ''
-- Answers: for each job that was dealt with: whether it was made ready (0 or 1), and what it was (delayed, due, ready,
--   expired, dead or none)
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(RESERVED, 'zset')
-- Places within a millisecond of the jobs that were promoted in it.
local PLACES_PER_MS = 100
local jobs, now, answer, seen, chosen = cmsgpack.unpack(ARGV[1]), now_ms(), {}, {}, {}
look_for(#jobs / 3, {})

for i = 1, #jobs, 3 do
  local id, states, wanted_due = jobs[i], jobs[i + 1], jobs[i + 2]
  local it = look_up(id, now, '', false)
  local state, is_ours = told_state(id, it), false
  if seen[id] then
    state = 'ready'
  elseif state == 'delayed' and is_meant(it, states, wanted_due) and is_list_or_none(READY .. it.topic) then
    local kept = read_for_new_due(id, it)
    if not kept then break end
    is_ours, seen[id] = true, true
    chosen[it.topic] = chosen[it.topic] or {}
    table.insert(chosen[it.topic], { id = id, it = it, kept = kept, score = tonumber(it.score) })
  end
  answer[#answer + 1] = is_ours and 1 or 0
  answer[#answer + 1] = state
end

-- The place before that of the first in line; before all that are not promoted, also before one that is leased now and
-- comes back later.
local function first_place(topic)
  local head = redis.call('LINDEX', READY .. topic, -1)
  local place = head and read_place(read_note(redis.call('HGET', READY_DUE, head)) or '')
  return math.min(-now * PLACES_PER_MS, place or 0)
end

-- The pool goes last: where a user may not run one of these commands, the job is there still.
if next(chosen) then allow_writes() end
for topic, entries in pairs(chosen) do
  table.sort(entries, function(a, b)
    if a.score ~= b.score then return a.score < b.score end
    return a.id < b.id
  end)
  for _, entry in ipairs(entries) do
    end_older_notes({ entry.id })
    leave_all_lists(entry.id, topic)
  end
  local first = first_place(topic)
  for n, entry in ipairs(entries) do
    entry.place, entry.expires_at = first - #entries + n - 1, expiry_from(entry.it, entry.kept, now)
    local note = write_note(place_to_text(entry.place, now), entry.expires_at, topic)
    redis.call('HSET', READY_DUE, entry.id, note)
  end
  put_in_line(topic, entries)
  for _, entry in ipairs(entries) do
    write_new_due(entry.id, entry.it, entry.kept, now, entry.expires_at)
    redis.call('ZREM', POOL, entry.id)
  end
end
return answer
