-- Finds jobs by id in a part of the leases, and of the jobs that wait for another one of their id.
-- include: keys, time, record, waiting, search
-- ARGV: first rank, then the ids
-- Answers: records looked at (0 at the end), then for each job as list_leased.lua
expect_type(RESERVED, 'zset')
local ids, answer = {}, { 0 }
for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
answer[1] = search_records(tonumber(ARGV[1]), ids, function(job, name, deadline)
  add_leased(answer, job, name, deadline)
end)
return answer
