-- Ends leases of one request, their jobs done.
-- include: keys, time, due, bounds, lease
-- ARGV: again (1 when the answer to this request may have been lost before), token, deadline in ms, then
--   the numbers of the jobs
-- Answers: 1 or 0 for each number: was the lease still held? A lease ends before its deadline only by
--   its holder, so one that is gone before that was confirmed by the request whose answer was lost. After
--   the deadline nobody knows which of the two it was: -1.
local token = ARGV[2]
local gone = ARGV[1] ~= '1' and 0 or (now_ms() < tonumber(ARGV[3]) and 1 or -1)
local wanted, answer = {}, {}
for i = 4, #ARGV do wanted[tonumber(ARGV[i])] = true end

local topic, rows = load_request(token)
local held, kept = {}, {}
for _, row in ipairs(topic and rows or {}) do
  if wanted[row[1]] then held[row[1]] = true else kept[#kept + 1] = row end
end
if topic and #kept < #rows then keep_rows(token, topic, kept) end

for i = 4, #ARGV do answer[#answer + 1] = held[tonumber(ARGV[i])] and 1 or gone end
return answer
