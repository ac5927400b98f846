-- Finds jobs by id in a part of the leases, in order of deadline; after the last part also those that wait for another
-- one of their id.
-- include: keys, time, record, waiting, search, page
-- ARGV: score and name of the last record before ('' and '' for the beginning), then the ids
-- Answers: score and name of the last record looked at ('' and '' at the end), then for each job as list_leased.lua
expect_type(RESERVED, 'zset')
local ids, answer = {}, { '', '' }
for i = 3, #ARGV do ids[#ids + 1] = ARGV[i] end
local function add(job, name, deadline) add_leased(answer, job, name, deadline) end

-- It goes on behind a place, not from a rank, because acks and ends of leases move all records behind theirs.
local names = page_of(RESERVED, ARGV[1], ARGV[2], MOST_RECORDS)
local last = 2 * search_records(names, ids, add)
if last < #names or last == 2 * MOST_RECORDS then
  answer[1], answer[2] = names[last], names[last - 1]
else
  search_waiting(ids, add)
end
return answer
