-- Reads a part of the pool in order of due time, for one topic.
-- include: keys, time, note, memo, bounds, page
-- ARGV: topic, cursor score, cursor id ('' and '' for the beginning), how many to look at, most jobs
-- Answers: score and id of the last one looked at ('' and '' at the end), now in ms, then for each job:
--   id, body, due ms, expiry ms or '', attempts, extras or ''
expect_type(POOL, 'zset')
local topic, limit, most = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local now, entries = now_ms(), pool_page(ARGV[2], ARGV[3], limit)
local jobs, bytes, last, at_end = {}, 0, #entries - 1, #entries < 2 * limit
for i = 1, #entries, 2 do
  local id = entries[i]
  local bucket = BUCKET .. id
  local job = redis.pcall('HGET', bucket, 'topic') == topic and redis.call('HMGET', bucket, 'body', 'delayer')
  local body = job and job[1]
  if body then
    local due, expires_at = from_score(entries[i + 1]), expiry_of(bucket)
    local attempts, _, extras = read_memo(bucket, job[2], nil, due, expires_at, topic, body)
    bytes = bytes + #body + #extras
    for _, value in ipairs({ id, body, due, expires_at, attempts, extras }) do
      jobs[#jobs + 1] = value
    end
    if #jobs == 6 * most or bytes > MOST_BYTES then
      last, at_end = i, at_end and i == #entries - 1
      break
    end
  end
end
return { at_end and '' or entries[last + 1], at_end and '' or entries[last], now, unpack(jobs) }
