-- Says which records are of a later version: of leased jobs, of jobs that wait for another one of their id, or dead
-- letters.
-- include: keys, time, bounds, record, waiting, dead
-- ARGV: leases or dead, then names as RESERVED has them, or ids
-- Answers: 1 or 0 for each of the first, for as many as one run reads
local answer, bytes = {}, 0

local function is_readable(name)
  if ARGV[1] == 'leases' then
    bytes = bytes + bytes_of(name)
    return pcall(jobs_of, name)
  end
  local ok, letters = pcall(letters_of, name)
  for _, letter in ipairs(ok and letters or {}) do bytes = bytes + #letter.packed end
  return ok
end

for i = 2, #ARGV do
  answer[i - 1] = is_readable(ARGV[i]) and 0 or 1
  if bytes > MOST_BYTES then break end
end
return answer
