-- Clears away leftovers in delayer's own keys, and brings back jobs that were set aside when nothing is in their way
-- any more. It checks a sample of each, so that one run is short; many runs leave nothing over.
-- include: keys, aside, time, note, bounds, mark, known, forget, line
-- ARGV: none
-- Answers: how many jobs were brought back, how many notes were forgotten, then the topics of ready lists in
--   which expired entries may stand
expect_type(READY_DUE, 'hash')
-- How many notes a run checks, and how many keys of each other kind.
local NOTES, SAMPLE_OF_KEYS = 500, 20

local now, back = now_ms(), 0
local suspects, forgotten = forget_notes(NOTES)

for _, topic in ipairs(read('HRANDFIELD', READY_KNOWN, SAMPLE_OF_KEYS) or {}) do
  if (read('LLEN', READY .. topic) or 0) <= MARKED_FROM then mark_as_unknown(topic) end
end

local pauses = read('HRANDFIELD', PAUSED, SAMPLE_OF_KEYS, 'WITHVALUES') or {}
for i = 1, #pauses, 2 do
  local until_ms = tonumber(pauses[i + 1])
  if until_ms and until_ms <= now then redis.call('HDEL', PAUSED, pauses[i]) end
end

-- Puts a job back in its place, unless it is somewhere else by now.
local function return_job(id, topic, place)
  if read('ZSCORE', POOL, id) or redis.call('HEXISTS', READY_DUE, id) == 1 then return end
  redis.call('HSET', READY_DUE, id, write_note(place, written_expiry_of(BUCKET .. id), topic))
  put_in_line(topic, { { id = id, place = read_place(place) } })
  back = back + 1
end

local aside = read('HRANDFIELD', SET_ASIDE, SAMPLE_OF_KEYS, 'WITHVALUES') or {}
for i = 1, #aside, 2 do
  local id, record = aside[i], read_aside(aside[i + 1])
  local job = record and fields(BUCKET .. id, 'topic')
  if job then
    local topic = job[1]
    if topic and is_list_or_none(READY .. topic) then
      return_job(id, topic, type(record[3]) == 'string' and record[3] or '')
    end
    if not topic or is_list_or_none(READY .. topic) then redis.call('HDEL', SET_ASIDE, id) end
  end
end

local answer = { back, forgotten }
for _, topic in ipairs(suspects) do answer[#answer + 1] = topic end
return answer
