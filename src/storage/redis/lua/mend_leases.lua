-- Makes records of leased and waiting jobs reachable again. A record that no deadline names comes back now; one that
-- would be held longer than any lease may last comes back at its first deadline; a deadline without a record is
-- removed. A record that cannot be read is named with the latest deadline, so that it is reported as such; one of a
-- later version is left alone.
-- include: keys, time, bounds, record, waiting
-- ARGV: the longest lease in ms, then names as RESERVED has them
-- Answers: for each of the first names, for as many as one run reads, whether something was mended
expect_type(RESERVED, 'zset')
local longest, now, bytes, answer = tonumber(ARGV[1]), now_ms(), 0, {}

local function mend(name)
  local id = waiting_id(name)
  local key, score = id and WAITING .. id or INFLIGHT .. name, redis.call('ZSCORE', RESERVED, name)
  if type_of(key) == 'none' then return redis.call('ZREM', RESERVED, name) end
  bytes = bytes + bytes_of(name)
  local ok, held = pcall(jobs_of, name)
  if not ok then return 0 end
  if #held == 0 then
    return score and 0 or redis.call('ZADD', RESERVED, to_score(now + longest), name)
  end
  if score and tonumber(score) * 1000 <= now + longest then return 0 end
  local deadline = tonumber(held[1].deadline) or 0
  if not score or id or deadline < now or deadline > now + longest then deadline = now end
  redis.call('ZADD', RESERVED, to_score(deadline), name)
  return 1
end

for i = 2, #ARGV do
  answer[#answer + 1] = mend(ARGV[i])
  if bytes > MOST_BYTES then break end
end
return answer
