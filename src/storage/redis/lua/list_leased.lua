-- Reads a part of the leases.
-- include: keys, time
-- ARGV: first rank, how many to look at
-- Answers: leases looked at, then for each whose job is there: lease, deadline in ms, id, topic, body,
--   due ms or '', expiry ms or '', attempts
local first, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local leases = redis.call('ZRANGE', RESERVED, first, first + limit - 1, 'WITHSCORES')
local answer = { #leases / 2 }
for i = 1, #leases, 2 do
  local job = fields(INFLIGHT .. leases[i], 'id', 'topic', 'body', 'due_at', 'expires_at', 'attempts')
  if job and job[1] then
    local row = { leases[i], from_score(leases[i + 1]), job[1], job[2] or '', job[3] or '' }
    for _, value in ipairs({ job[4] or '', job[5] or '', tonumber(job[6]) or 0 }) do row[#row + 1] = value end
    for _, value in ipairs(row) do answer[#answer + 1] = value end
  end
end
return answer
