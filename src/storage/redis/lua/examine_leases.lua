-- Looks at a part of the reservations, and of the jobs that wait for another one of their id, for records that
-- cannot be read or ended.
-- include: keys, time, bounds, record, waiting
-- ARGV: first rank, how long (ms) a lease has ended, or a look at jobs that wait is overdue, when somebody should have
--   acted on it, the longest lease in ms
-- Answers: how many were looked at (0 at the end), then for each that is not as it should be: its key, what (gone,
--   type, unreadable, newer, ended, waits or long), what was found (the type of a key, a score) or '', how many jobs
expect_type(RESERVED, 'zset')
local MOST_RECORDS, MOST_JOBS = 200, 500
local first, grace, longest, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), now_ms()
local answer, looked_at, jobs, bytes = { 0 }, 0, 0, 0

-- How many jobs it holds; or nil, and what is wrong with it.
local function count_jobs(name, id, key)
  local found, wanted = type_of(key), id and 'list' or 'string'
  if found == 'none' then return nil, 'gone', '' end
  if found ~= wanted then return nil, 'type', found end
  local ok, held = pcall(jobs_of, name)
  if not ok then return nil, 'newer', '' end
  if #held == 0 or (id and #held < redis.call('LLEN', key)) then return nil, 'unreadable', '' end
  return #held
end

local members = redis.call('ZRANGE', RESERVED, first, first + MOST_RECORDS - 1, 'WITHSCORES')
for i = 1, #members, 2 do
  local name, score = members[i], members[i + 1]
  local id = waiting_id(name)
  local key = id and WAITING .. id or INFLIGHT .. name
  local count, what, found = count_jobs(name, id, key)
  if count and tonumber(score) * 1000 > now + longest then
    what, found = 'long', score
  elseif count and from_score(score) < now - grace then
    what, found = string.find(name, ':', 1, true) and 'waits' or 'ended', score
  end
  if what then
    for _, value in ipairs({ key, what, found, count or 1 }) do answer[#answer + 1] = value end
  end
  looked_at, jobs, bytes = looked_at + 1, jobs + (count or 0), bytes + bytes_of(name)
  if jobs >= MOST_JOBS or bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
