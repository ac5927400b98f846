-- Leases jobs as an operator, also delayed and due ones. When such a lease ends its jobs are what they were, as
-- after a release. It stops before the first job for which a long ready list has to be searched first, whose body is
-- one too many for this run, or for which it has no time.
-- include: keys, time, note, memo, bounds, mark, known, holes, clear, leave, lookup, record, waiting
-- ARGV: msgpack of what clear_entries.lua has found, or '' (see push.lua), token, lease in ms, who holds them, then
--   msgpack of, for each job: its guard (lib/lookup.lua), 1 where it waits for another one of its id, 0 where it does
--   not, '' for either
-- Answers: the topic of the list that was not looked through, or ''; deadline in ms, how many are held; then for each
--   job that was dealt with: its number in the reservation or 0, and what it was (delayed, due, ready, expired, dead or
--   none)
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(RESERVED, 'zset')
local token, holder, jobs, now, ids = ARGV[2], ARGV[4], cmsgpack.unpack(ARGV[5]), now_ms(), {}
local deadline = math.min(now + ARGV[3], LAST_MS)
local bytes, chosen, seen, answer = 0, {}, {}, { '', deadline, 0 }
local WIDTH = 7
for i = 1, #jobs, WIDTH do ids[#ids + 1] = jobs[i] end
look_for(ids, read_cleared(ARGV[1]))

-- A row of a record (lib/record.lua) without its number; nil when the body is one too many for this run.
local function row_of(id, it)
  local bucket = BUCKET .. id
  local size = redis.call('HSTRLEN', bucket, 'body')
  if bytes > 0 and bytes + size > MOST_BYTES then return nil end
  bytes = bytes + size
  local body, memo = unpack(redis.call('HMGET', bucket, 'body', 'delayer'))
  local note = it.note
  local place, due = it.score and tonumber(it.score), it.due
  if not place then place, due = noted_place(note, it.written_expiry) end
  local attempts, ttl, extras = read_memo(bucket, memo, note, due, it.expires_at, it.topic, body)
  local is_apart = place ~= '' and place < 0
  return { 0, id, body, is_apart and due or '', it.expires_at, attempts + 1, place, ttl, extras }
end

-- The jobs that wait for an id, without those that this run has chosen.
local waiting_of = {}

-- A waiting job that is to be held; nil when none is meant. Its lifetime stands still already.
local function choose_waiting(id, due, topic, body_mark)
  waiting_of[id] = waiting_of[id] or waiting_jobs(id)
  for i, job in ipairs(waiting_of[id]) do
    if is_waiting_meant(job, due, topic, body_mark) then
      local row = table.remove(waiting_of[id], i).row
      row[8], row[5] = ttl_of(row), shifted_expiry(row[5], job.since, now)
      row[6] = row[6] + 1
      return { id = id, topic = job.topic, row = row, waiting = job }
    end
  end
end

-- The job of an id that is to be held, or nil, and the state of the id. Or the topic of the list that has to be
-- searched first, or '' when this run has read enough bodies.
local function choose(id, states, due, topic, body_mark, expires_at, waits)
  local it = look_up(id, now, '', is_among(states, 'ready'))
  if it.unclear then return nil, nil, it.unclear end
  if waits ~= 1 and not seen[id] and is_meant(id, it, states, due, topic, body_mark, expires_at) then
    local row = row_of(id, it)
    if not row then return nil, nil, '' end
    local unclear = leave_with_others(id, it)
    if unclear then return nil, nil, unclear end
    seen[id] = true
    return { id = id, topic = it.topic, row = row, it = it }, it.state
  end
  local waiting = waits ~= 0 and is_among(states, 'delayed') and choose_waiting(id, due, topic, body_mark)
  if waiting then return waiting, 'delayed' end
  return nil, told_state(id, it)
end

-- Removes the jobs from the pool and from their ready lists.
local function take_away()
  local living, buckets = {}, {}
  for _, job in ipairs(chosen) do
    local id = job.id
    if job.it then
      living[#living + 1] = id
      buckets[#buckets + 1] = BUCKET .. id
    else
      end_waiting(id, { job.waiting }, redis.call('LLEN', WAITING .. id) - 1, now)
    end
  end
  leave_together()
  if #living == 0 then return end
  redis.call('ZREM', POOL, unpack(living))
  redis.call('HDEL', READY_DUE, unpack(living))
  redis.call('UNLINK', unpack(buckets))
end

-- The topics as a record has them: each with the number of its last job.
local function topics_of_jobs()
  local topics = {}
  for number, job in ipairs(chosen) do
    if topics[#topics - 1] ~= job.topic then
      topics[#topics + 1] = job.topic
      topics[#topics + 1] = number
    end
    topics[#topics] = number
  end
  return topics
end

for i = 1, #jobs, WIDTH do
  if has_looked_enough((i - 1) / WIDTH) then break end
  local job, state, unclear = choose(unpack(jobs, i, i + WIDTH - 1))
  if unclear then
    answer[1] = unclear
    break
  end
  if job then
    chosen[#chosen + 1] = job
    job.row[1] = #chosen
  end
  answer[#answer + 1] = job and #chosen or 0
  answer[#answer + 1] = state
end
if #chosen == 0 then return answer end

-- The record is written before anything is deleted: if an ACL forbids one of these commands, a job is delivered
-- twice at worst.
local record = { topics = topics_of_jobs(), since = now, count = #chosen, deadline = deadline }
record.policy, record.holder = HOLD, holder
local rows = {}
for number, job in ipairs(chosen) do rows[number] = job.row end
allow_writes()
redis.call('ZADD', RESERVED, to_score(deadline), token)
keep_rows(token, record, rows)
take_away()
answer[3] = #chosen
return answer
