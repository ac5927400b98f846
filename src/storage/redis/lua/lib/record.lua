-- needs: keys, time

-- What one reservation has in hand is one STRING, INFLIGHT .. token: msgpack of HEAD elements (version,
-- topics, when it was made in ms, how many jobs it took, its first deadline in ms, its policy (lib/policy.lua) or
-- '', who made it or ''; jobs and deadline are a part of the lease strings) and for each job ROW elements: number,
-- id, body, due ms or '' where it is the place (that of a job which was promoted is not: lib/note.lua), expiry ms or
-- '', attempts, place in line (its score in the pool) or '', ready lifetime in ms or '' where it is expiry less due
-- time, extras (lib/extras.lua) or ''. One key a reservation instead of a renamed bucket a job makes a batch several
-- times cheaper; to other clients it looks like a pop all the same.
--
-- A policy that is HOLD: the jobs are held for an operator (hold.lua), and are what they were when the lease ends.
-- `topics` is the name of the one topic, or for several an array: name, number of its last job, name, …
-- RESERVED has the token by the deadline. A lease that was extended alone has a record and a deadline of
-- its own, under token .. '.' .. number. In the first release a job that waited because another one of its id
-- was in the queue had a record under token .. ':' .. number; now see lib/waiting.lua.
local OLD_HEAD, OLD_ROW = 1, 6
local HOLD = 'hold'

local function topic_of(topics, number)
  if type(topics) == 'string' then return topics end
  for i = 1, #topics, 2 do
    if number <= topics[i + 1] then return topics[i] end
  end
end

-- The first release began a record with the topic, and stored neither place nor lifetime.
local function rows_of(record, head, width)
  local rows = {}
  for i = head + 1, #record, width do
    local row = { unpack(record, i, i + width - 1) }
    row[7], row[8] = row[7] or (tonumber(row[4]) and row[4] / 1000 or ''), row[8] or ''
    row[9] = row[9] or ''
    if row[4] == '' and tonumber(row[7]) then row[4] = from_score(row[7]) end
    rows[#rows + 1] = row
  end
  return rows
end

local function is_row(row, topics)
  return type(row[1]) == 'number' and type(row[2]) == 'string' and type(row[3]) == 'string'
    and is_time_or_none(row[4]) and is_time_or_none(row[5]) and type(row[6]) == 'number'
    and (row[7] == '' or type(row[7]) == 'number') and is_time_or_none(row[8])
    and type(row[9]) == 'string' and type(topic_of(topics, row[1])) == 'string'
end

local function is_head(topics, since, count, deadline, policy, holder)
  if type(topics) == 'table' then
    for i = 2, #topics, 2 do
      if type(topics[i]) ~= 'number' then return false end
    end
  elseif type(topics) ~= 'string' then
    return false
  end
  return is_time_or_none(since) and type(count) == 'number' and is_time_or_none(deadline)
    and type(policy) == 'string' and type(holder) == 'string'
end

-- The parts of a record, { topics, since, count, deadline, policy, holder }, how many elements its head has and
-- each of its rows; nil where no version wrote it.
local function parts_of(key, record)
  if type(record[1]) == 'string' then return { topics = record[1] }, OLD_HEAD, OLD_ROW end
  if not is_version(record[1]) then return nil end
  expect_version(key, record[1])
  local _, topics, since, count, deadline, policy, holder = unpack(record, 1, HEAD)
  if not is_head(topics, since, count, deadline, policy, holder) then return nil end
  local parts = {
    topics = topics, since = since, count = count, deadline = deadline, policy = policy, holder = holder,
  }
  return parts, HEAD, ROW
end

-- { topics, since, count, deadline, policy, holder, rows }, at least one of them; nil where no version wrote it.
-- What the first release did not keep is nil.
local function read_record(key, packed)
  local record = unpack_array(packed)
  if not record then return nil end
  local parts, head, width = parts_of(key, record)
  if not parts or #record <= head or (#record - head) % width ~= 0 then return nil end
  parts.rows = rows_of(record, head, width)
  for _, row in ipairs(parts.rows) do
    if not is_row(row, parts.topics) then return nil end
  end
  return parts
end

local function load_record(name)
  local packed = read('GET', INFLIGHT .. name)
  return packed and read_record(INFLIGHT .. name, packed) or nil
end

-- How many bytes a record has, without reading it.
local function bytes_of(name)
  local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
  return type(bytes) == 'number' and bytes or 0
end

-- Once a script has written, Redis allows its later writes even when it is out of memory. This write is always
-- allowed, and changes nothing.
local function allow_writes()
  redis.call('ZREM', RESERVED, '')
end

-- The head of a record, { version, … }.
local function pack_head(topics, parts)
  local since, count, deadline = parts.since or 0, parts.count or 1, parts.deadline or 0
  return { RECORD_VERSION, topics, since, count, deadline, parts.policy or '', parts.holder or '' }
end

-- Keeps these rows of a record; the record is deleted when none is left. It is overwritten, not deleted first: if an
-- ACL forbids the write, no job is lost.
local function keep_rows(name, record, rows)
  allow_writes()
  if #rows == 0 then
    redis.call('UNLINK', INFLIGHT .. name)
    redis.call('ZREM', RESERVED, name)
    return
  end
  local packed = pack_head(record.topics, record)
  for _, row in ipairs(rows) do
    for i = 1, ROW do packed[#packed + 1] = row[i] end
  end
  redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end

-- A record of one job.
local function pack_job(job)
  local record = pack_head(job.topic, job)
  for i = 1, ROW do record[HEAD + i] = job.row[i] end
  return cmsgpack.pack(record)
end

-- A job of a record, with the record's name.
local function job_of(record, name, row)
  return {
    name = name, topic = topic_of(record.topics, row[1]),
    since = record.since, count = record.count, deadline = record.deadline,
    policy = record.policy, holder = record.holder, row = row,
  }
end

-- The ready lifetime in ms, or ''.
local function ttl_of(row)
  if row[8] ~= '' then return row[8] end
  return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end

-- Adds to an answer what views show of a job that is leased or waits (list_leased.lua).
local function add_leased(answer, job, name, deadline)
  local known = { name, deadline, job.count or 1, job.deadline or 0, job.since or 0, job.topic }
  for _, value in ipairs(known) do answer[#answer + 1] = value end
  for column = 1, 6 do answer[#answer + 1] = job.row[column] end
  answer[#answer + 1] = ttl_of(job.row)
  answer[#answer + 1] = job.row[9]
  answer[#answer + 1] = job.holder or ''
end

-- The jobs of a reservation that are still leased, of these numbers: number -> job. Changes nothing.
local function held_jobs(token, numbers)
  local held, wanted = {}, {}
  for _, number in ipairs(numbers) do wanted[number] = true end
  local record = load_record(token)
  for _, row in ipairs(record and record.rows or {}) do
    local number = row[1]
    if wanted[number] then held[number] = job_of(record, token, row) end
  end
  for number in pairs(wanted) do
    local name = not held[number] and token .. '.' .. number
    local own = name and load_record(name)
    if own then held[number] = job_of(own, name, own.rows[1]) end
  end
  return held, record
end

-- Takes jobs out of their records. `record` is the reservation's own, as held_jobs gave it.
local function forget_jobs(token, record, held)
  local kept, left = {}, false
  for _, row in ipairs(record and record.rows or {}) do
    local job = held[row[1]]
    if job and job.name == token then left = true else kept[#kept + 1] = row end
  end
  if left then keep_rows(token, record, kept) end
  for _, job in pairs(held) do
    if job.name ~= token then
      redis.call('UNLINK', INFLIGHT .. job.name)
      redis.call('ZREM', RESERVED, job.name)
    end
  end
end

-- The numbers in ARGV from there on.
local function numbers_from(first)
  local numbers = {}
  for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
  return numbers
end

-- Answers 1 or 0 for each number: was the lease still held? If the answer to this request may have been lost before
-- (`again`), a lease that is gone before `first_deadline` was ended by that request, since until then only its
-- holder ends it, or an operator who removes the job. After that it is unknown whether it was ended or ran out: -1.
local function answer_held(numbers, held, again, first_deadline)
  local gone = 0
  if again then gone = now_ms() < first_deadline and 1 or -1 end
  local answer, seen = {}, {}
  for i, number in ipairs(numbers) do
    answer[i] = not held[number] and gone or (seen[number] and 0 or 1)
    seen[number] = true
  end
  return answer
end
