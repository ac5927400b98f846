-- needs: keys, time

-- READY_DUE has a note of each ready job that delayer put into a ready list: the version, the job's place in line
-- (its score in the pool, which is its due time; empty when that is unknown), when its bucket expires, by which the
-- job is recognised (as Redis has it: jobs that expire after the year 9999 differ only there), and its topic, which
-- says in which list an entry of its id may stand. So a note is never deleted before that entry. When another client
-- has pushed the id again, the note belongs to the former job. The first release wrote notes without a version. The
-- place of a job that an operator has promoted (make_ready.lua) is a number below 0, before those of all others,
-- with its due time in ms beside it: `-176414251712300@1764142517123`.

local NOTE_START = RECORD_VERSION .. ' '
local BEFORE_TOPIC = '^' .. NOTE_START .. '[%d.@-]* %d* '
local PLACE_AND_EXPIRY = '^' .. NOTE_START .. '([%d.@-]*) (%d*) '
local OLD_PLACE_AND_EXPIRY = '^([%d.]+) (%d*) '
local PROMOTED_PLACE = '^(%-%d+)@(%d+)$'

-- A place as a note has it. `due` is looked at where the place is below 0.
local function place_to_text(place, due)
  if place == '' then return '' end
  if place < 0 then return string.format('%d@%d', place, due) end
  return plain_score(string.format('%.17g', place))
end

-- A place in line as a number, and its due time in ms; nil when the text is not one. Other clients may write digits
-- and dots that are no number.
local function read_place(text)
  local place = tonumber(text)
  if place then return place, from_score(text) end
  local before, due = string.match(text, PROMOTED_PLACE)
  return tonumber(before), tonumber(due)
end

-- The place is text: see place_to_text and plain_score.
local function write_note(place, written_expiry, topic)
  return NOTE_START .. place .. ' ' .. to_text(written_expiry) .. ' ' .. topic
end

local function is_old_note(note)
  return note and string.sub(note, 1, #NOTE_START) ~= NOTE_START
end

-- Place and expiry as text; nil when there is no note.
local function read_note(note)
  if not note then return nil end
  local place, expires_at = string.match(note, PLACE_AND_EXPIRY)
  if place then return place, expires_at end
  local version = string.match(note, '^(%d%d?%d?) [%d.]+ %d* ')
  if version then return expect_version(READY_DUE, tonumber(version)) end
  return string.match(note, OLD_PLACE_AND_EXPIRY)
end

-- The topic of a ready job that delayer promoted, or nil.
local function noted_topic(note)
  if not note then return nil end
  local _, last = string.find(note, BEFORE_TOPIC)
  if not last and read_note(note) then _, last = string.find(note, OLD_PLACE_AND_EXPIRY) end
  return last and string.sub(note, last + 1)
end

-- The place in line and the due time in ms of the job whose bucket expires then (written_expiry_of); '' and '' when
-- the note belongs to another job, or does not have them.
local function noted_place(note, written_expiry)
  local text, expiry = read_note(note)
  local place, due = read_place(text or '')
  if not place then return '', '' end
  -- Without PEXPIRETIME the expiry may be off by a millisecond.
  local tolerance = exact_expiry and 0 or 1
  local never = expiry == '' and written_expiry == ''
  local same = never or (expiry ~= '' and written_expiry ~= '' and math.abs(expiry - written_expiry) <= tolerance)
  if not same then return '', '' end
  return place, due
end

-- The due time of that job in ms, or ''.
local function noted_due(note, written_expiry)
  return select(2, noted_place(note, written_expiry))
end
