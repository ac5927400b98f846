-- Looks at a part of the pool for jobs with something wrong.
-- include: keys, time, page
-- ARGV: score and id of the last job looked at before ('' and '' for none), how many to look at
-- Answers: score and id of the last one looked at ('' and '' at the end), how many were looked at, then for each that
--   is not as it should be: id, what (gone, expired, incomplete, type, unnamed, range, past or expiry), topic or '',
--   due time in ms, and what was found (the type of a key, a score) or ''
expect_type(POOL, 'zset')
local limit, now = tonumber(ARGV[3]), now_ms()
local jobs = page_of(POOL, ARGV[1], ARGV[2], limit)
local is_full = #jobs == 2 * limit
local answer = { is_full and jobs[#jobs] or '', is_full and jobs[#jobs - 1] or '', #jobs / 2 }

-- What is wrong, and what was found; nil when nothing is wrong.
local function look_at(id, score, due)
  local bucket = BUCKET .. id
  local found = fields(bucket, 'topic')
  if not found then return 'type', '', type_of(bucket) end
  local topic = found[1]
  if not topic or redis.call('HEXISTS', bucket, 'body') == 0 then
    if redis.call('EXISTS', bucket) == 1 then return 'incomplete', topic or '', '' end
    -- A job that is due and has no body has expired.
    return due > now and 'gone' or 'expired', '', ''
  end
  if id == '' or topic == '' then return 'unnamed', topic, '' end
  local at = tonumber(score) * 1000
  if at >= LAST_MS + 1 then return 'range', topic, score end
  if at < 0 then return 'past', topic, score end
  -- The body must not expire before the job is due.
  local expires_at = written_expiry_of(bucket)
  if due > now and expires_at ~= '' and expires_at < due then return 'expiry', topic, '' end
end

for i = 1, #jobs, 2 do
  local id, score = jobs[i], jobs[i + 1]
  local due = from_score(score)
  local what, topic, found = look_at(id, score, due)
  if what then
    for _, value in ipairs({ id, what, topic, due, found }) do answer[#answer + 1] = value end
  end
end
return answer
