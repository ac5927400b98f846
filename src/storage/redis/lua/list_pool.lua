-- Reads a part of the pool in order of due time.
-- include: keys, time, note, memo, bounds, page
-- ARGV: topic or '' for all, cursor score, cursor id ('' and '' for the beginning), how many to look at, most jobs,
--   whether it goes from the end (0 or 1), what is wanted of each: place, topic or all
-- Answers: score and id of the last one looked at ('' and '' at the end), now in ms, how many were looked at, then
--   msgpack of, for each job: id, due ms; except of a place topic; and of all expiry ms or '', body, and '' or, where
--   delayer keeps more of it, msgpack of: attempts, ready lifetime in ms or '', extras or ''. Of a place or a topic
--   alone nothing tells whether a body is there.
expect_type(POOL, 'zset')
local only_topic, limit, most, wanted = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[7]
local now, entries = now_ms(), page_of(POOL, ARGV[2], ARGV[3], limit, ARGV[6] == '1')
local WIDTH = { place = 2, topic = 3, all = 6 }
local width, jobs, bytes = WIDTH[wanted], {}, 0
local last, at_end = #entries - 1, #entries < 2 * limit

-- What is wanted of a job of this part: its topic, body and memo; nil when there is none.
local function job_in(bucket)
  if wanted == 'place' then return '' end
  if only_topic ~= '' or wanted == 'topic' then
    local topic = read('HGET', bucket, 'topic')
    if not topic or (only_topic ~= '' and topic ~= only_topic) then return nil end
    if wanted == 'topic' then return topic end
  end
  local job = redis.pcall('HMGET', bucket, 'topic', 'body', 'delayer')
  if job.err then return fields(bucket, 'topic') and nil end
  if job[1] and job[2] then return unpack(job) end
end

local function more_of(memo, bucket, due, written_expiry, topic, body)
  if not memo and (written_expiry == '' or written_expiry <= LAST_MS) then return '' end
  local more = { read_memo(bucket, memo, nil, due, within_bounds(written_expiry), topic, body) }
  more[2] = lifetime_of(more[2], due, written_expiry)
  bytes = bytes + #more[3]
  return cmsgpack.pack(more)
end

local n = 0
for i = 1, #entries, 2 do
  local id = entries[i]
  local bucket = BUCKET .. id
  local topic, body, memo = job_in(bucket)
  if topic then
    local due = from_score(entries[i + 1])
    jobs[n + 1], jobs[n + 2] = id, due
    if width > 2 then jobs[n + 3] = topic end
    if body then
      local written_expiry = written_expiry_of(bucket)
      jobs[n + 4], jobs[n + 5] = within_bounds(written_expiry), body
      jobs[n + 6] = more_of(memo, bucket, due, written_expiry, topic, body)
      bytes = bytes + #body
    end
    n = n + width
    if n == width * most or bytes > MOST_BYTES then
      last, at_end = i, at_end and i == #entries - 1
      break
    end
  end
end
local looked_at = (last + 1) / 2
return { at_end and '' or entries[last + 1], at_end and '' or entries[last], now, looked_at, cmsgpack.pack(jobs) }
