-- needs: keys, time

-- READY_DUE notes of each ready job that delayer promoted: the version, the job's place in line (its
-- score in the pool, which is its due time), when it expires, to know the job by, and its topic, for a job
-- whose body is gone. Where another client pushed the id again, the note speaks of the job before. The
-- first release wrote notes without a version.

local function write_note(score, expires_at, topic)
  -- Lua writes 14 digits of a number; the year 5138 has one more.
  if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
  return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end

-- Score and expiry as text and the topic; nothing where there is no note.
local function read_note(note)
  if not note then return nil end
  local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
  if version then
    expect_version(READY_DUE, tonumber(version))
    return score, expires_at, topic
  end
  return string.match(note, '^([%d.]+) (%d*) (.*)$')
end

-- The topic of a ready job that delayer promoted, or nil.
local function noted_topic(note)
  local _, _, topic = read_note(note)
  return topic
end

-- The place in line, as text, of the job that expires then; '' when the note does not speak of it.
local function noted_place(note, expires_at)
  local score, expiry = read_note(note)
  if not score then return '' end
  -- Without PEXPIRETIME the expiry is off by a millisecond now and then.
  local tolerance = exact_expiry and 0 or 1
  local never = expiry == '' and expires_at == ''
  local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
  return same and score or ''
end

-- The due time of that job in ms, or ''.
local function noted_due(note, expires_at)
  local place = noted_place(note, expires_at)
  return place ~= '' and from_score(place) or ''
end
