-- Looks for values that no version wrote in delayer's own hashes: at all values of a short hash, at a sample of a
-- long one.
-- include: keys, time, note, aside
-- ARGV: how many values of each to look at
-- Answers: for each hash with such values: its key, how many there are, the field of one
local answer = {}

local function look_at(key, is_written)
  local found, field = 0, nil
  local values = read('HRANDFIELD', key, ARGV[1], 'WITHVALUES') or {}
  for i = 1, #values, 2 do
    -- A value of a later version is reported elsewhere.
    local ok, is_ours = pcall(is_written, values[i + 1])
    if ok and not is_ours then found, field = found + 1, values[i] end
  end
  if found > 0 then
    for _, value in ipairs({ key, found, field }) do answer[#answer + 1] = value end
  end
end

look_at(READY_DUE, read_note)
look_at(PAUSED, function(value) return value == 'inf' or string.find(value, '^%d+$') end)
look_at(SET_ASIDE, read_aside)
return answer
