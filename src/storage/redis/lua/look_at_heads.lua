-- Looks at the ready lists of topics: at their lengths and first entries only.
-- include: keys, time, note
-- ARGV: topics, some hundreds at most
-- Answers: for each topic the length of its list (-1 when the key is not a list), when the job was due that has waited
--   longest of the first ones, in ms or -1, and 1 where it is not known of the very first

-- Jobs that an operator promoted stand before older ones, and an original daemon notes no due time.
local FIRST_JOBS = 10

local answer = {}
for _, topic in ipairs(ARGV) do
  local ready = READY .. topic
  local length = read('LLEN', ready)
  local oldest, is_first_unknown, is_first = -1, 0, true
  local ids = length and length > 0 and redis.call('LRANGE', ready, -FIRST_JOBS, -1) or {}
  for i = #ids, 1, -1 do
    local bucket = BUCKET .. ids[i]
    local note = ids[i] ~= '' and read('HGET', READY_DUE, ids[i])
    local due = note and noted_due(note, written_expiry_of(bucket)) or ''
    if due ~= '' and (oldest < 0 or due < oldest) then oldest = due end
    if is_first and redis.call('EXISTS', bucket) == 1 then
      if due == '' then is_first_unknown = 1 end
      is_first = false
    end
    -- Apart from these, they stand in order of due time.
    if due ~= '' and oldest < due then break end
  end
  answer[#answer + 1] = length or -1
  answer[#answer + 1] = oldest
  answer[#answer + 1] = is_first_unknown
end
return answer
