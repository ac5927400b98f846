// Built from lua/*.lua by scripts/generate.mjs; change those.
export interface Script {
  readonly sha: string;
  readonly source: string;
}

export const SCRIPTS = {
  ack: {
    sha: 'f4331df939b4f1f01c8660960b585e1e64dc50d9',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local again, token, first_deadline, numbers = ARGV[1] == '1', ARGV[2], tonumber(ARGV[3]), numbers_from(4)
local held, record = held_jobs(token, numbers)
forget_jobs(token, record, held)
return answer_held(numbers, held, again, first_deadline)
`,
  },
  ackAll: {
    sha: '676808b7044fddc9f37d93a948f43e84e6d02a34',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local inflight, jobs = INFLIGHT .. ARGV[1], tonumber(ARGV[2])
local HEAD, ROW = 5, 8
local head = redis.pcall('GETRANGE', inflight, 0, 3)
if type(head) ~= 'string' then return 0 end
local kind, high, low, version = string.byte(head, 1, 4)
local length = kind == 0xdc and high * 256 + low or (kind or 0) - 0x90
if kind ~= 0xdc then version = high end
if length ~= HEAD + ROW * jobs or version ~= RECORD_VERSION then return 0 end
redis.call('UNLINK', inflight)
redis.call('ZREM', RESERVED, ARGV[1])
return 1
`,
  },
  announce: {
    sha: '7c4470c5a10b49258f048aa28a8812ca8fc7003a',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
expect_type(ARGV[1], 'zset')
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', ARGV[1], '-inf', to_score(now - tonumber(ARGV[3])))
redis.call('ZREM', ARGV[1], ARGV[2])
redis.call('ZADD', ARGV[1], to_score(now), ARGV[2])
return {}
`,
  },
  countDead: {
    sha: '2a2ba945c2b9968a0de135ef3cd5a96192089270',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local function bury(job, reason, now, delete_at)
local row = job.row
local record = { RECORD_VERSION, job.topic, row[3], row[4], ttl_of(row), row[6], reason, now, delete_at }
redis.call('RPUSH', DEAD_LETTER .. row[2], cmsgpack.pack(record))
redis.call('ZADD', DEAD, 'LT', delete_at == '' and 'inf' or to_score(delete_at), row[2])
end
local function read_letter(id, packed)
local record = cmsgpack.unpack(packed)
expect_version(DEAD_LETTER .. id, record[1])
return {
topic = record[2], body = record[3], due = record[4], ttl = record[5], attempts = record[6],
reason = record[7], failed_at = record[8], delete_at = record[9],
}
end
local function letters_of(id)
local letters = {}
local packed = read('LRANGE', DEAD_LETTER .. id, 0, -1) or {}
for i = #packed, 1, -1 do
local letter = read_letter(id, packed[i])
letter.packed = packed[i]
letters[#letters + 1] = letter
end
return letters
end
local function delete_letters(id, deleted, kept)
local next_delete = math.huge
for _, letter in ipairs(deleted) do redis.call('LREM', DEAD_LETTER .. id, 1, letter.packed) end
for _, letter in ipairs(kept) do
if letter.delete_at ~= '' then next_delete = math.min(next_delete, letter.delete_at) end
end
if #kept == 0 then
redis.call('ZREM', DEAD, id)
else
redis.call('ZADD', DEAD, next_delete == math.huge and 'inf' or to_score(next_delete), id)
end
end
local function delete_old_letters(now, limit)
local deleted = 0
local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', due_by(now), 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
local old, kept = {}, {}
for _, letter in ipairs(letters_of(id)) do
local is_kept = letter.delete_at == '' or letter.delete_at > now
table.insert(is_kept and kept or old, letter)
end
deleted = deleted + #old
delete_letters(id, old, kept)
end
return deleted, #ids == limit
end
expect_type(DEAD, 'zset')
local first, answer, looked_at, bytes = tonumber(ARGV[1]), { 0 }, 0, 0
for _, id in ipairs(redis.call('ZRANGE', DEAD, first, first + tonumber(ARGV[2]) - 1)) do
for _, letter in ipairs(letters_of(id)) do
answer[#answer + 1] = letter.topic
bytes = bytes + #letter.body
end
looked_at = looked_at + 1
if bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
`,
  },
  countLeased: {
    sha: '72007a3c17c39e5fd1773102ea6af7654b26e494',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local DUPLICATE_RETRY_MS = 1000
local function waiting_id(name)
return string.match(name, '^:(.*)$')
end
local function let_wait(job, now)
local found = type_of(WAITING .. job.row[2])
if found ~= 'none' and found ~= 'list' then return false end
job.since = job.since or now
redis.call('RPUSH', WAITING .. job.row[2], pack_job(job))
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. job.row[2])
return true
end
local function waiting_jobs(id)
local jobs = {}
for _, packed in ipairs(read('LRANGE', WAITING .. id, 0, -1) or {}) do
local record = read_record(WAITING .. id, packed)
local job = job_of(record, ':' .. id, record.rows[1])
job.packed = packed
jobs[#jobs + 1] = job
end
return jobs
end
local function end_waiting(id, jobs, left, now)
for _, job in ipairs(jobs) do redis.call('LREM', WAITING .. id, 1, job.packed) end
if left == 0 then
redis.call('ZREM', RESERVED, ':' .. id)
else
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. id)
end
end
local function jobs_of(name)
local id = waiting_id(name)
if id then return waiting_jobs(id) end
local record, jobs = load_record(name), {}
for _, row in ipairs(record and record.rows or {}) do jobs[#jobs + 1] = job_of(record, name, row) end
return jobs
end
expect_type(RESERVED, 'zset')
local MOST_RECORDS, MOST_JOBS = 200, 500
local first, looked_at, jobs, bytes, answer = tonumber(ARGV[1]), 0, 0, 0, { 0 }
for _, name in ipairs(redis.call('ZRANGE', RESERVED, first, first + MOST_RECORDS - 1)) do
local waits = string.find(name, ':', 1, true) ~= nil
local counts = {}
for _, job in ipairs(jobs_of(name)) do
counts[job.topic] = (counts[job.topic] or 0) + 1
jobs = jobs + 1
end
for topic, count in pairs(counts) do
answer[#answer + 1] = topic
answer[#answer + 1] = waits and 0 or count
answer[#answer + 1] = waits and count or 0
end
looked_at, bytes = looked_at + 1, bytes + bytes_of(name)
if jobs >= MOST_JOBS or bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
`,
  },
  countPool: {
    sha: 'a3ce052604f80b7003160efbbb32835751d9668d',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function pool_page(score, id, limit)
local first = 0
if score ~= '' then
local is_there = redis.call('ZSCORE', POOL, id) == score
first = is_there and redis.call('ZRANK', POOL, id) + 1 or redis.call('ZCOUNT', POOL, '-inf', '(' .. score)
end
return redis.call('ZRANGE', POOL, first, first + limit - 1, 'WITHSCORES')
end
expect_type(POOL, 'zset')
local limit, now = tonumber(ARGV[3]), now_ms()
local entries = pool_page(ARGV[1], ARGV[2], limit)
local bodiless, wrong, topics, counts = 0, 0, {}, {}
local all_delayed = #entries > 0 and from_score(entries[2]) > now
for i = 1, #entries, 2 do
local topic = redis.pcall('HGET', BUCKET .. entries[i], 'topic')
if type(topic) == 'string' then
local count = counts[topic]
if not count then
count = { delayed = 0, due = 0, first = from_score(entries[i + 1]) }
counts[topic] = count
topics[#topics + 1] = topic
end
local state = (all_delayed or from_score(entries[i + 1]) > now) and 'delayed' or 'due'
count[state] = count[state] + 1
elseif not topic then
bodiless = bodiless + 1
else
wrong = wrong + 1
end
end
local at_end = #entries < 2 * limit
local answer = { at_end and '' or entries[#entries], at_end and '' or entries[#entries - 1], bodiless, wrong }
for _, topic in ipairs(topics) do
local count = counts[topic]
for _, value in ipairs({ topic, count.delayed, count.due, count.first }) do answer[#answer + 1] = value end
end
return answer
`,
  },
  countReady: {
    sha: '4a692d10133378f291446384e8936f10b50b32f5',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local topic, now = ARGV[1], now_ms()
local ids = redis.call('LRANGE', READY .. topic, ARGV[2], ARGV[3])
if #ids == 0 then return { 0, 0, 0 } end
local in_pool = redis.pcall('ZMSCORE', POOL, unpack(ids))
local alive, expired, stale = 0, 0, 0
for i, id in ipairs(ids) do
local found = redis.pcall('HGET', BUCKET .. id, 'topic')
if in_pool[i] or (type(found) == 'string' and found ~= topic) then
stale = stale + 1
elseif found == topic and not is_expired(expiry_of(BUCKET .. id, now), now) then
alive = alive + 1
else
expired = expired + 1
end
end
return { alive, expired, stale }
`,
  },
  extend: {
    sha: 'd467b2c5bdb9156319f5edf273b56d104e7ed022',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
expect_type(RESERVED, 'zset')
local now = now_ms()
local deadline, token, numbers = now + tonumber(ARGV[1]), ARGV[2], numbers_from(3)
local held, record = held_jobs(token, numbers)
local together = 0
for _, job in pairs(held) do
if job.name == token then together = together + 1 end
end
allow_writes()
if record and together == #record.rows then
redis.call('ZADD', RESERVED, to_score(deadline), token)
elseif together > 0 then
local own = {}
for number, job in pairs(held) do
if job.name == token then
local name = token .. '.' .. number
redis.call('SET', INFLIGHT .. name, pack_job(job))
redis.call('ZADD', RESERVED, to_score(deadline), name)
own[number] = job
end
end
forget_jobs(token, record, own)
end
local answers = {}
for i, number in ipairs(numbers) do
local job = held[number]
if job and job.name ~= token then redis.call('ZADD', RESERVED, to_score(deadline), job.name) end
answers[i] = job and deadline or -1
end
return answers
`,
  },
  find: {
    sha: '7c195680f2cd943ab0a01d563be328ab3b6126c8',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local function write_memo(attempts, ttl, expires_at, topic, body)
return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end
local function read_memo(bucket, memo, old_attempts, expires_at, topic, body)
if not memo then return tonumber(old_attempts) or 0, '' end
local ok, memo_fields = pcall(cmsgpack.unpack, memo)
if not ok or type(memo_fields) ~= 'table' then return 0, '' end
expect_version(bucket, memo_fields[1])
local expiry = memo_fields[4]
local same_expiry = expiry == expires_at
or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
if not same_expiry or memo_fields[5] ~= topic then return 0, '' end
if memo_fields[6] ~= redis.sha1hex(body) then return 0, '' end
return memo_fields[2], memo_fields[3]
end
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
local id, depth = ARGV[1], ARGV[2]
local bucket, score = BUCKET .. id, redis.call('ZSCORE', POOL, id)
local job = fields(bucket, 'topic', 'body', 'delayer', 'attempts') or {}
local now = now_ms()
local function find_expired()
local place, expires_at, topic = read_note(redis.call('HGET', READY_DUE, id))
if not place or type_of(READY .. topic) ~= 'list' then return {} end
if not redis.call('LPOS', READY .. topic, id, 'RANK', -1, 'MAXLEN', depth) then return {} end
return { 'expired', topic, '', from_score(place), expires_at, 0, -1, '' }
end
if not score and not job[1] then return find_expired() end
local expires_at = expiry_of(bucket, now)
local due = score and from_score(score) or noted_due(redis.call('HGET', READY_DUE, id), expires_at)
local state = 'expired'
if job[1] and not is_expired(expires_at, now) then
state = not score and 'ready' or (from_score(score) > now and 'delayed' or 'due')
end
local ahead, found = -1, job[1] and type_of(READY .. job[1]) or 'none'
if state == 'ready' and found == 'list' then
local place = redis.call('LPOS', READY .. job[1], id, 'RANK', -1, 'MAXLEN', depth)
if place then ahead = redis.call('LLEN', READY .. job[1]) - 1 - place end
end
local attempts = job[1] and job[2] and read_memo(bucket, job[3], job[4], expires_at, job[1], job[2]) or 0
return { state, job[1] or '', job[2] or '', due, expires_at, attempts, ahead,
(found == 'list' or found == 'none') and '' or found }
`,
  },
  listDead: {
    sha: 'e3318f7aed923e46f7c4837071a5fb13dca03384',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local function bury(job, reason, now, delete_at)
local row = job.row
local record = { RECORD_VERSION, job.topic, row[3], row[4], ttl_of(row), row[6], reason, now, delete_at }
redis.call('RPUSH', DEAD_LETTER .. row[2], cmsgpack.pack(record))
redis.call('ZADD', DEAD, 'LT', delete_at == '' and 'inf' or to_score(delete_at), row[2])
end
local function read_letter(id, packed)
local record = cmsgpack.unpack(packed)
expect_version(DEAD_LETTER .. id, record[1])
return {
topic = record[2], body = record[3], due = record[4], ttl = record[5], attempts = record[6],
reason = record[7], failed_at = record[8], delete_at = record[9],
}
end
local function letters_of(id)
local letters = {}
local packed = read('LRANGE', DEAD_LETTER .. id, 0, -1) or {}
for i = #packed, 1, -1 do
local letter = read_letter(id, packed[i])
letter.packed = packed[i]
letters[#letters + 1] = letter
end
return letters
end
local function delete_letters(id, deleted, kept)
local next_delete = math.huge
for _, letter in ipairs(deleted) do redis.call('LREM', DEAD_LETTER .. id, 1, letter.packed) end
for _, letter in ipairs(kept) do
if letter.delete_at ~= '' then next_delete = math.min(next_delete, letter.delete_at) end
end
if #kept == 0 then
redis.call('ZREM', DEAD, id)
else
redis.call('ZADD', DEAD, next_delete == math.huge and 'inf' or to_score(next_delete), id)
end
end
local function delete_old_letters(now, limit)
local deleted = 0
local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', due_by(now), 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
local old, kept = {}, {}
for _, letter in ipairs(letters_of(id)) do
local is_kept = letter.delete_at == '' or letter.delete_at > now
table.insert(is_kept and kept or old, letter)
end
deleted = deleted + #old
delete_letters(id, old, kept)
end
return deleted, #ids == limit
end
expect_type(DEAD, 'zset')
local first, limit, only_topic, only_id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local ids = only_id ~= '' and { only_id } or redis.call('ZRANGE', DEAD, first, first + limit - 1)
local answer, looked_at, bytes = { 0 }, 0, 0
for _, id in ipairs(ids) do
for _, letter in ipairs(letters_of(id)) do
bytes = bytes + #letter.body
if only_topic == '' or letter.topic == only_topic then
for _, value in ipairs({
id, letter.topic, letter.body, letter.due, letter.attempts,
letter.reason, letter.failed_at, letter.delete_at,
}) do
answer[#answer + 1] = value
end
end
end
looked_at = looked_at + 1
if bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
`,
  },
  listLeased: {
    sha: '3b3d305e32e25e1dfc342e4f4fe4463bc81ba821',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local DUPLICATE_RETRY_MS = 1000
local function waiting_id(name)
return string.match(name, '^:(.*)$')
end
local function let_wait(job, now)
local found = type_of(WAITING .. job.row[2])
if found ~= 'none' and found ~= 'list' then return false end
job.since = job.since or now
redis.call('RPUSH', WAITING .. job.row[2], pack_job(job))
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. job.row[2])
return true
end
local function waiting_jobs(id)
local jobs = {}
for _, packed in ipairs(read('LRANGE', WAITING .. id, 0, -1) or {}) do
local record = read_record(WAITING .. id, packed)
local job = job_of(record, ':' .. id, record.rows[1])
job.packed = packed
jobs[#jobs + 1] = job
end
return jobs
end
local function end_waiting(id, jobs, left, now)
for _, job in ipairs(jobs) do redis.call('LREM', WAITING .. id, 1, job.packed) end
if left == 0 then
redis.call('ZREM', RESERVED, ':' .. id)
else
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. id)
end
end
local function jobs_of(name)
local id = waiting_id(name)
if id then return waiting_jobs(id) end
local record, jobs = load_record(name), {}
for _, row in ipairs(record and record.rows or {}) do jobs[#jobs + 1] = job_of(record, name, row) end
return jobs
end
expect_type(RESERVED, 'zset')
local first, only_topic, only_id = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local MOST_RECORDS, MOST_JOBS = 200, 500
local names = redis.call('ZRANGE', RESERVED, first, first + MOST_RECORDS - 1, 'WITHSCORES')
local answer, looked_at, jobs, bytes = { 0 }, 0, 0, 0
for i = 1, #names, 2 do
local name, deadline = names[i], from_score(names[i + 1])
local found = jobs_of(name)
for _, job in ipairs(found) do
if (only_topic == '' or job.topic == only_topic) and (only_id == '' or job.row[2] == only_id) then
for _, value in ipairs({ name, deadline, job.count or 1, job.deadline or 0, job.topic }) do
answer[#answer + 1] = value
end
for column = 1, 6 do answer[#answer + 1] = job.row[column] end
end
end
looked_at, jobs, bytes = looked_at + 1, jobs + #found, bytes + bytes_of(name)
if jobs >= MOST_JOBS or bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
`,
  },
  listPool: {
    sha: 'a50e62ba6f368fc5708e86c443224bdc6e8d4bac',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_memo(attempts, ttl, expires_at, topic, body)
return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end
local function read_memo(bucket, memo, old_attempts, expires_at, topic, body)
if not memo then return tonumber(old_attempts) or 0, '' end
local ok, memo_fields = pcall(cmsgpack.unpack, memo)
if not ok or type(memo_fields) ~= 'table' then return 0, '' end
expect_version(bucket, memo_fields[1])
local expiry = memo_fields[4]
local same_expiry = expiry == expires_at
or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
if not same_expiry or memo_fields[5] ~= topic then return 0, '' end
if memo_fields[6] ~= redis.sha1hex(body) then return 0, '' end
return memo_fields[2], memo_fields[3]
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local function pool_page(score, id, limit)
local first = 0
if score ~= '' then
local is_there = redis.call('ZSCORE', POOL, id) == score
first = is_there and redis.call('ZRANK', POOL, id) + 1 or redis.call('ZCOUNT', POOL, '-inf', '(' .. score)
end
return redis.call('ZRANGE', POOL, first, first + limit - 1, 'WITHSCORES')
end
expect_type(POOL, 'zset')
local topic, limit, most = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local now, entries = now_ms(), pool_page(ARGV[2], ARGV[3], limit)
local jobs, bytes, last, at_end = {}, 0, #entries - 1, #entries < 2 * limit
for i = 1, #entries, 2 do
local id = entries[i]
local bucket = BUCKET .. id
if redis.pcall('HGET', bucket, 'topic') == topic then
local job = redis.call('HMGET', bucket, 'body', 'delayer', 'attempts')
local body = job[1] or ''
bytes = bytes + #body
local due, expires_at = from_score(entries[i + 1]), expiry_of(bucket, now)
local attempts = read_memo(bucket, job[2], job[3], expires_at, topic, body)
for _, value in ipairs({ id, body, due, expires_at, attempts }) do
jobs[#jobs + 1] = value
end
if #jobs == 5 * most or bytes > MOST_BYTES then
last, at_end = i, at_end and i == #entries - 1
break
end
end
end
return { at_end and '' or entries[last + 1], at_end and '' or entries[last], now, unpack(jobs) }
`,
  },
  listReady: {
    sha: '0524ef24697c20843a02261d6962d7573d46ac03',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local function write_memo(attempts, ttl, expires_at, topic, body)
return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end
local function read_memo(bucket, memo, old_attempts, expires_at, topic, body)
if not memo then return tonumber(old_attempts) or 0, '' end
local ok, memo_fields = pcall(cmsgpack.unpack, memo)
if not ok or type(memo_fields) ~= 'table' then return 0, '' end
expect_version(bucket, memo_fields[1])
local expiry = memo_fields[4]
local same_expiry = expiry == expires_at
or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
if not same_expiry or memo_fields[5] ~= topic then return 0, '' end
if memo_fields[6] ~= redis.sha1hex(body) then return 0, '' end
return memo_fields[2], memo_fields[3]
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
expect_type(READY .. ARGV[1], 'list')
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
local topic, first, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local ids = redis.call('LRANGE', READY .. topic, -first - limit, -first - 1)
local answer, bytes = { now, #ids, #ids < limit and 1 or 0 }, 0
for i = #ids, 1, -1 do
local id = ids[i]
local bucket = BUCKET .. id
local job = fields(bucket, 'topic', 'body', 'delayer', 'attempts') or {}
local expires_at = job[1] and expiry_of(bucket, now) or ''
local state = 'ready'
if redis.call('ZSCORE', POOL, id) or (job[1] and job[1] ~= topic) then
state = 'stale'
elseif not job[1] or is_expired(expires_at, now) then
state = 'expired'
end
if state ~= 'ready' then expires_at = '' end
local due = state == 'ready' and noted_due(redis.call('HGET', READY_DUE, id), expires_at) or ''
local body = state == 'ready' and job[2] or ''
local attempts = state == 'ready' and read_memo(bucket, job[3], job[4], expires_at, topic, body) or 0
for _, value in ipairs({ id, body, due, expires_at, attempts, state }) do
answer[#answer + 1] = value
end
bytes = bytes + #(job[2] or '')
if bytes > MOST_BYTES then
answer[2], answer[3] = #ids - i + 1, i == 1 and answer[3] or 0
break
end
end
return answer
`,
  },
  maintain: {
    sha: '616b5ed296b59b507ea2077abd75b7f8627a0caf',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local function write_memo(attempts, ttl, expires_at, topic, body)
return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end
local function read_memo(bucket, memo, old_attempts, expires_at, topic, body)
if not memo then return tonumber(old_attempts) or 0, '' end
local ok, memo_fields = pcall(cmsgpack.unpack, memo)
if not ok or type(memo_fields) ~= 'table' then return 0, '' end
expect_version(bucket, memo_fields[1])
local expiry = memo_fields[4]
local same_expiry = expiry == expires_at
or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
if not same_expiry or memo_fields[5] ~= topic then return 0, '' end
if memo_fields[6] ~= redis.sha1hex(body) then return 0, '' end
return memo_fields[2], memo_fields[3]
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local function forget_old_entry(id)
local note = redis.call('HGET', READY_DUE, id)
if not note then return end
local topic = noted_topic(note)
if topic then leave_ready_list(id, topic) end
redis.call('HDEL', READY_DUE, id)
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local last_micros, texts = {}, {}
local function score_in_order(due)
local micros = last_micros[due]
if not micros then
local last = redis.call('ZREVRANGEBYSCORE', POOL, due_by(due), to_score(due), 'WITHSCORES', 'LIMIT', 0, 1)
micros = last[2] and math.floor(tonumber(last[2]) * 1000000 + 0.5) - due * 1000 or -1
texts[due] = to_score(due)
end
micros = math.min(micros + 1, 999)
last_micros[due] = micros
return texts[due] .. string.format('%03d', micros)
end
local MOST_BEFORE = 5000
local function place_of(note)
local score = read_note(note)
return tonumber(score) or math.huge
end
local function count_before(ready, place)
local low, high = 0, math.min(redis.call('LLEN', ready), MOST_BEFORE)
while low < high do
local middle = math.floor((low + high) / 2)
local id = redis.call('LINDEX', ready, -1 - middle)
if place_of(redis.call('HGET', READY_DUE, id)) < place then low = middle + 1 else high = middle end
end
return low
end
local function in_parts_of_1000(ids, use)
for i = 1, #ids, 1000 do use(unpack(ids, i, math.min(i + 999, #ids))) end
end
local function append(ready, ids)
in_parts_of_1000(ids, function(...) redis.call('RPUSH', ready, ...) end)
end
local function ids_in_order(entries)
for i, entry in ipairs(entries) do entry.order = i end
table.sort(entries, function(a, b)
if a.place ~= b.place then return a.place > b.place end
return a.order > b.order
end)
local ids = {}
for i, entry in ipairs(entries) do ids[i] = entry.id end
return ids
end
local function with_places(ids)
local entries = {}
in_parts_of_1000(ids, function(...)
for _, note in ipairs(redis.call('HMGET', READY_DUE, ...)) do
entries[#entries + 1] = { id = ids[#entries + 1], place = place_of(note) }
end
end)
return entries
end
local function put_in_line(topic, entries)
local ready, first, last = READY .. topic, math.huge, -math.huge
for _, entry in ipairs(entries) do
entry.place = tonumber(entry.place) or -math.huge
first, last = math.min(first, entry.place), math.max(last, entry.place)
end
local before = count_before(ready, last)
local lifted = before > 0 and redis.call('LRANGE', ready, -before, -1) or {}
if before > 0 then redis.call('LTRIM', ready, 0, -before - 1) end
if before == 0 or place_of(redis.call('HGET', READY_DUE, lifted[1])) <= first then
append(ready, ids_in_order(entries))
append(ready, lifted)
return
end
for _, entry in ipairs(with_places(lifted)) do entries[#entries + 1] = entry end
append(ready, ids_in_order(entries))
end
local DUPLICATE_RETRY_MS = 1000
local function waiting_id(name)
return string.match(name, '^:(.*)$')
end
local function let_wait(job, now)
local found = type_of(WAITING .. job.row[2])
if found ~= 'none' and found ~= 'list' then return false end
job.since = job.since or now
redis.call('RPUSH', WAITING .. job.row[2], pack_job(job))
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. job.row[2])
return true
end
local function waiting_jobs(id)
local jobs = {}
for _, packed in ipairs(read('LRANGE', WAITING .. id, 0, -1) or {}) do
local record = read_record(WAITING .. id, packed)
local job = job_of(record, ':' .. id, record.rows[1])
job.packed = packed
jobs[#jobs + 1] = job
end
return jobs
end
local function end_waiting(id, jobs, left, now)
for _, job in ipairs(jobs) do redis.call('LREM', WAITING .. id, 1, job.packed) end
if left == 0 then
redis.call('ZREM', RESERVED, ':' .. id)
else
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. id)
end
end
local function jobs_of(name)
local id = waiting_id(name)
if id then return waiting_jobs(id) end
local record, jobs = load_record(name), {}
for _, row in ipairs(record and record.rows or {}) do jobs[#jobs + 1] = job_of(record, name, row) end
return jobs
end
local function shifted_expiry(expires_at, since, now)
if expires_at == '' or not since or since == 0 then return expires_at end
return expires_at + math.max(0, now - since)
end
local function can_come_back(job)
if redis.call('EXISTS', BUCKET .. job.row[2]) == 1 then return false end
local found = type_of(READY .. job.topic)
return found == 'none' or found == 'list'
end
local function write_bucket(job, expires_at)
local row = job.row
local id, body, attempts = row[2], row[3], row[6]
local bucket = BUCKET .. id
redis.call('HSET', bucket, 'topic', job.topic, 'body', body)
if attempts > 0 or expires_at ~= row[5] then
local memo = write_memo(attempts, ttl_of(row), expires_at, job.topic, body)
redis.call('HSET', bucket, 'delayer', memo)
end
if expires_at ~= '' then redis.call('PEXPIREAT', bucket, expires_at) end
end
local function plan(job, now)
local due, expires_at = job.row[4], job.row[5]
if job.is_retried or (due ~= '' and due > now) then return expires_at, true end
return shifted_expiry(expires_at, job.since, now), false
end
local function bring_back(jobs, now)
local done, lines, buckets = { back = 0, waiting = 0, due = math.huge, id = nil, stuck = {} }, {}, {}
local taken = {}
for _, job in ipairs(jobs) do
local row = job.row
local id, due = row[2], row[4]
if taken[id] or not can_come_back(job) then
if let_wait(job, now) then
done.waiting = done.waiting + 1
else
done.stuck[#done.stuck + 1] = row
end
else
local expires_at, is_delayed = plan(job, now)
taken[id] = true
buckets[#buckets + 1] = { job = job, expires_at = expires_at }
redis.call('ZREM', POOL, id)
if is_delayed then
redis.call('ZADD', POOL, score_in_order(due), id)
forget_old_entry(id)
if due < done.due then done.due, done.id = due, id end
else
lines[job.topic] = lines[job.topic] or {}
table.insert(lines[job.topic], { id = id, place = row[7] })
if row[7] ~= '' then redis.call('HSET', READY_DUE, id, write_note(row[7], expires_at, job.topic)) end
end
end
end
for topic, entries in pairs(lines) do put_in_line(topic, entries) end
for _, bucket in ipairs(buckets) do write_bucket(bucket.job, bucket.expires_at) end
done.back = #buckets
return done
end
local FORGET_AT_LEAST = 100
local function forget_notes(added)
local most, sample, looked_at = math.max(FORGET_AT_LEAST, 2 * added), 10, 0
while looked_at < most do
local left_over = {}
for _, id in ipairs(redis.call('HRANDFIELD', READY_DUE, sample)) do
if redis.call('EXISTS', BUCKET .. id) == 0 then left_over[#left_over + 1] = id end
end
if #left_over > 0 then redis.call('HDEL', READY_DUE, unpack(left_over)) end
if #left_over < 0.3 * sample then return end
looked_at, sample = looked_at + sample, 50
end
end
local function due_jobs(now, skip, limit)
if skip == 0 then
return redis.call('ZRANGEBYSCORE', POOL, '-inf', due_by(now), 'WITHSCORES', 'LIMIT', 0, limit)
end
local jobs = redis.call('ZRANGE', POOL, skip, skip + limit - 1, 'WITHSCORES')
while #jobs > 0 and from_score(jobs[#jobs]) > now do
jobs[#jobs], jobs[#jobs - 1] = nil, nil
end
return jobs
end
local function promote(now, skip, limit)
local due = due_jobs(now, skip, limit)
local done = { promoted = 0, expired = 0, stuck = 0, more = #due == 2 * limit }
local expired, topics, ids_of, notes = {}, {}, {}, {}
for i = 1, #due, 2 do
local id = due[i]
local bucket = BUCKET .. id
local topic = redis.pcall('HGET', bucket, 'topic')
local usable = type(topic) == 'string'
if usable and not ids_of[topic] then
local found = type_of(READY .. topic)
ids_of[topic] = { usable = found == 'none' or found == 'list' }
topics[#topics + 1] = topic
end
if not topic then
expired[#expired + 1] = id
elseif not usable or not ids_of[topic].usable then
done.stuck = done.stuck + 1
else
local ids = ids_of[topic]
ids[#ids + 1] = id
notes[#notes + 1] = id
notes[#notes + 1] = write_note(due[i + 1], expiry_of(bucket, now), topic)
end
end
local all = skip == 0 and done.stuck == 0 and #due > 0
local taken_out = all and redis.call('ZREMRANGEBYRANK', POOL, 0, #due / 2 - 1) == #due / 2
if all then
done.expired = taken_out and #expired or 0
elseif #expired > 0 then
done.expired = redis.call('ZREM', POOL, unpack(expired))
end
for _, topic in ipairs(topics) do
local ids = ids_of[topic]
if #ids > 0 and (taken_out or (not all and redis.call('ZREM', POOL, unpack(ids)) == #ids)) then
redis.call('LPUSH', READY .. topic, unpack(ids))
done.promoted = done.promoted + #ids
end
end
if #notes > 0 then
redis.call('HSET', READY_DUE, unpack(notes))
forget_notes(#notes / 2)
end
return done
end
local function bring_back_waiting(id, now)
local jobs = waiting_jobs(id)
local first = jobs[1]
if not first or not can_come_back(first) then
end_waiting(id, {}, #jobs, now)
return 0, #jobs
end
bring_back({ first }, now)
end_waiting(id, { first }, #jobs - 1, now)
return 1, #jobs - 1
end
local function bring_back_record(name, now)
local record, jobs = load_record(name), {}
if not record then
redis.call('ZREM', RESERVED, name)
return 0, 0
end
for _, row in ipairs(record.rows) do jobs[#jobs + 1] = job_of(record, name, row) end
local done = bring_back(jobs, now)
keep_rows(name, record, done.stuck)
if #done.stuck > 0 then redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), name) end
return done.back, done.waiting + #done.stuck
end
local function reclaim(now, limit)
local done, bytes = { reclaimed = 0, waiting = 0, more = false }, 0
local names = redis.call('ZRANGEBYSCORE', RESERVED, '-inf', due_by(now), 'LIMIT', 0, limit)
done.more = #names == limit
if #names > 0 then allow_writes() end
for _, name in ipairs(names) do
if done.reclaimed + done.waiting >= limit or bytes > MOST_BYTES then
done.more = true
break
end
bytes = bytes + bytes_of(name)
local bring, what = bring_back_record, name
if waiting_id(name) then bring, what = bring_back_waiting, waiting_id(name) end
local back, waiting = bring(what, now)
done.reclaimed, done.waiting = done.reclaimed + back, done.waiting + waiting
end
return done
end
local function limit_after(back, limit)
return math.max(1, limit - back.reclaimed - back.waiting)
end
local function next_in(now, earliest)
local first = redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
local lease = redis.call('ZRANGE', RESERVED, 0, 0, 'WITHSCORES')[2]
local at = math.min(
earliest,
first and from_score(first) or math.huge,
lease and from_score(lease) or math.huge
)
return at < math.huge and math.max(0, at - now)
end
local function bury(job, reason, now, delete_at)
local row = job.row
local record = { RECORD_VERSION, job.topic, row[3], row[4], ttl_of(row), row[6], reason, now, delete_at }
redis.call('RPUSH', DEAD_LETTER .. row[2], cmsgpack.pack(record))
redis.call('ZADD', DEAD, 'LT', delete_at == '' and 'inf' or to_score(delete_at), row[2])
end
local function read_letter(id, packed)
local record = cmsgpack.unpack(packed)
expect_version(DEAD_LETTER .. id, record[1])
return {
topic = record[2], body = record[3], due = record[4], ttl = record[5], attempts = record[6],
reason = record[7], failed_at = record[8], delete_at = record[9],
}
end
local function letters_of(id)
local letters = {}
local packed = read('LRANGE', DEAD_LETTER .. id, 0, -1) or {}
for i = #packed, 1, -1 do
local letter = read_letter(id, packed[i])
letter.packed = packed[i]
letters[#letters + 1] = letter
end
return letters
end
local function delete_letters(id, deleted, kept)
local next_delete = math.huge
for _, letter in ipairs(deleted) do redis.call('LREM', DEAD_LETTER .. id, 1, letter.packed) end
for _, letter in ipairs(kept) do
if letter.delete_at ~= '' then next_delete = math.min(next_delete, letter.delete_at) end
end
if #kept == 0 then
redis.call('ZREM', DEAD, id)
else
redis.call('ZADD', DEAD, next_delete == math.huge and 'inf' or to_score(next_delete), id)
end
end
local function delete_old_letters(now, limit)
local deleted = 0
local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', due_by(now), 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
local old, kept = {}, {}
for _, letter in ipairs(letters_of(id)) do
local is_kept = letter.delete_at == '' or letter.delete_at > now
table.insert(is_kept and kept or old, letter)
end
deleted = deleted + #old
delete_letters(id, old, kept)
end
return deleted, #ids == limit
end
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')
local DELETE_LIMIT = 20
local now, limit = now_ms(), tonumber(ARGV[2])
local back = reclaim(now, limit)
local done = promote(now, tonumber(ARGV[1]), limit_after(back, limit))
if done.promoted == 0 then forget_notes(0) end
local deleted, more_letters = delete_old_letters(now, DELETE_LIMIT)
return {
done.promoted,
done.expired,
back.reclaimed,
deleted,
done.stuck,
(done.more or back.more or more_letters) and 1 or 0,
next_in(now, math.huge) or -1,
}
`,
  },
  nack: {
    sha: '1da4f50c45c3bbd6f301789951408aad15ab34a5',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local function write_memo(attempts, ttl, expires_at, topic, body)
return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end
local function read_memo(bucket, memo, old_attempts, expires_at, topic, body)
if not memo then return tonumber(old_attempts) or 0, '' end
local ok, memo_fields = pcall(cmsgpack.unpack, memo)
if not ok or type(memo_fields) ~= 'table' then return 0, '' end
expect_version(bucket, memo_fields[1])
local expiry = memo_fields[4]
local same_expiry = expiry == expires_at
or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
if not same_expiry or memo_fields[5] ~= topic then return 0, '' end
if memo_fields[6] ~= redis.sha1hex(body) then return 0, '' end
return memo_fields[2], memo_fields[3]
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local function forget_old_entry(id)
local note = redis.call('HGET', READY_DUE, id)
if not note then return end
local topic = noted_topic(note)
if topic then leave_ready_list(id, topic) end
redis.call('HDEL', READY_DUE, id)
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local last_micros, texts = {}, {}
local function score_in_order(due)
local micros = last_micros[due]
if not micros then
local last = redis.call('ZREVRANGEBYSCORE', POOL, due_by(due), to_score(due), 'WITHSCORES', 'LIMIT', 0, 1)
micros = last[2] and math.floor(tonumber(last[2]) * 1000000 + 0.5) - due * 1000 or -1
texts[due] = to_score(due)
end
micros = math.min(micros + 1, 999)
last_micros[due] = micros
return texts[due] .. string.format('%03d', micros)
end
local MOST_BEFORE = 5000
local function place_of(note)
local score = read_note(note)
return tonumber(score) or math.huge
end
local function count_before(ready, place)
local low, high = 0, math.min(redis.call('LLEN', ready), MOST_BEFORE)
while low < high do
local middle = math.floor((low + high) / 2)
local id = redis.call('LINDEX', ready, -1 - middle)
if place_of(redis.call('HGET', READY_DUE, id)) < place then low = middle + 1 else high = middle end
end
return low
end
local function in_parts_of_1000(ids, use)
for i = 1, #ids, 1000 do use(unpack(ids, i, math.min(i + 999, #ids))) end
end
local function append(ready, ids)
in_parts_of_1000(ids, function(...) redis.call('RPUSH', ready, ...) end)
end
local function ids_in_order(entries)
for i, entry in ipairs(entries) do entry.order = i end
table.sort(entries, function(a, b)
if a.place ~= b.place then return a.place > b.place end
return a.order > b.order
end)
local ids = {}
for i, entry in ipairs(entries) do ids[i] = entry.id end
return ids
end
local function with_places(ids)
local entries = {}
in_parts_of_1000(ids, function(...)
for _, note in ipairs(redis.call('HMGET', READY_DUE, ...)) do
entries[#entries + 1] = { id = ids[#entries + 1], place = place_of(note) }
end
end)
return entries
end
local function put_in_line(topic, entries)
local ready, first, last = READY .. topic, math.huge, -math.huge
for _, entry in ipairs(entries) do
entry.place = tonumber(entry.place) or -math.huge
first, last = math.min(first, entry.place), math.max(last, entry.place)
end
local before = count_before(ready, last)
local lifted = before > 0 and redis.call('LRANGE', ready, -before, -1) or {}
if before > 0 then redis.call('LTRIM', ready, 0, -before - 1) end
if before == 0 or place_of(redis.call('HGET', READY_DUE, lifted[1])) <= first then
append(ready, ids_in_order(entries))
append(ready, lifted)
return
end
for _, entry in ipairs(with_places(lifted)) do entries[#entries + 1] = entry end
append(ready, ids_in_order(entries))
end
local DUPLICATE_RETRY_MS = 1000
local function waiting_id(name)
return string.match(name, '^:(.*)$')
end
local function let_wait(job, now)
local found = type_of(WAITING .. job.row[2])
if found ~= 'none' and found ~= 'list' then return false end
job.since = job.since or now
redis.call('RPUSH', WAITING .. job.row[2], pack_job(job))
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. job.row[2])
return true
end
local function waiting_jobs(id)
local jobs = {}
for _, packed in ipairs(read('LRANGE', WAITING .. id, 0, -1) or {}) do
local record = read_record(WAITING .. id, packed)
local job = job_of(record, ':' .. id, record.rows[1])
job.packed = packed
jobs[#jobs + 1] = job
end
return jobs
end
local function end_waiting(id, jobs, left, now)
for _, job in ipairs(jobs) do redis.call('LREM', WAITING .. id, 1, job.packed) end
if left == 0 then
redis.call('ZREM', RESERVED, ':' .. id)
else
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. id)
end
end
local function jobs_of(name)
local id = waiting_id(name)
if id then return waiting_jobs(id) end
local record, jobs = load_record(name), {}
for _, row in ipairs(record and record.rows or {}) do jobs[#jobs + 1] = job_of(record, name, row) end
return jobs
end
local function shifted_expiry(expires_at, since, now)
if expires_at == '' or not since or since == 0 then return expires_at end
return expires_at + math.max(0, now - since)
end
local function can_come_back(job)
if redis.call('EXISTS', BUCKET .. job.row[2]) == 1 then return false end
local found = type_of(READY .. job.topic)
return found == 'none' or found == 'list'
end
local function write_bucket(job, expires_at)
local row = job.row
local id, body, attempts = row[2], row[3], row[6]
local bucket = BUCKET .. id
redis.call('HSET', bucket, 'topic', job.topic, 'body', body)
if attempts > 0 or expires_at ~= row[5] then
local memo = write_memo(attempts, ttl_of(row), expires_at, job.topic, body)
redis.call('HSET', bucket, 'delayer', memo)
end
if expires_at ~= '' then redis.call('PEXPIREAT', bucket, expires_at) end
end
local function plan(job, now)
local due, expires_at = job.row[4], job.row[5]
if job.is_retried or (due ~= '' and due > now) then return expires_at, true end
return shifted_expiry(expires_at, job.since, now), false
end
local function bring_back(jobs, now)
local done, lines, buckets = { back = 0, waiting = 0, due = math.huge, id = nil, stuck = {} }, {}, {}
local taken = {}
for _, job in ipairs(jobs) do
local row = job.row
local id, due = row[2], row[4]
if taken[id] or not can_come_back(job) then
if let_wait(job, now) then
done.waiting = done.waiting + 1
else
done.stuck[#done.stuck + 1] = row
end
else
local expires_at, is_delayed = plan(job, now)
taken[id] = true
buckets[#buckets + 1] = { job = job, expires_at = expires_at }
redis.call('ZREM', POOL, id)
if is_delayed then
redis.call('ZADD', POOL, score_in_order(due), id)
forget_old_entry(id)
if due < done.due then done.due, done.id = due, id end
else
lines[job.topic] = lines[job.topic] or {}
table.insert(lines[job.topic], { id = id, place = row[7] })
if row[7] ~= '' then redis.call('HSET', READY_DUE, id, write_note(row[7], expires_at, job.topic)) end
end
end
end
for topic, entries in pairs(lines) do put_in_line(topic, entries) end
for _, bucket in ipairs(buckets) do write_bucket(bucket.job, bucket.expires_at) end
done.back = #buckets
return done
end
local function bury(job, reason, now, delete_at)
local row = job.row
local record = { RECORD_VERSION, job.topic, row[3], row[4], ttl_of(row), row[6], reason, now, delete_at }
redis.call('RPUSH', DEAD_LETTER .. row[2], cmsgpack.pack(record))
redis.call('ZADD', DEAD, 'LT', delete_at == '' and 'inf' or to_score(delete_at), row[2])
end
local function read_letter(id, packed)
local record = cmsgpack.unpack(packed)
expect_version(DEAD_LETTER .. id, record[1])
return {
topic = record[2], body = record[3], due = record[4], ttl = record[5], attempts = record[6],
reason = record[7], failed_at = record[8], delete_at = record[9],
}
end
local function letters_of(id)
local letters = {}
local packed = read('LRANGE', DEAD_LETTER .. id, 0, -1) or {}
for i = #packed, 1, -1 do
local letter = read_letter(id, packed[i])
letter.packed = packed[i]
letters[#letters + 1] = letter
end
return letters
end
local function delete_letters(id, deleted, kept)
local next_delete = math.huge
for _, letter in ipairs(deleted) do redis.call('LREM', DEAD_LETTER .. id, 1, letter.packed) end
for _, letter in ipairs(kept) do
if letter.delete_at ~= '' then next_delete = math.min(next_delete, letter.delete_at) end
end
if #kept == 0 then
redis.call('ZREM', DEAD, id)
else
redis.call('ZADD', DEAD, next_delete == math.huge and 'inf' or to_score(next_delete), id)
end
end
local function delete_old_letters(now, limit)
local deleted = 0
local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', due_by(now), 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
local old, kept = {}, {}
for _, letter in ipairs(letters_of(id)) do
local is_kept = letter.delete_at == '' or letter.delete_at > now
table.insert(is_kept and kept or old, letter)
end
deleted = deleted + #old
delete_letters(id, old, kept)
end
return deleted, #ids == limit
end
local function wake_if_next(channel, due, id, now)
local function is_next()
return redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'LIMIT', 0, 1)[1] == id
end
if id and (due <= now or is_next()) then redis.pcall('PUBLISH', channel, string.format('%d', due)) end
end
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')
local is_dead, ms, reason, channel, token = ARGV[1] == 'dead', tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local now, numbers = now_ms(), numbers_from(6)
local held, record = held_jobs(token, numbers)
for _, job in pairs(held) do
expect_type(is_dead and DEAD_LETTER .. job.row[2] or WAITING .. job.row[2], 'list')
end
allow_writes()
local jobs = {}
for _, number in ipairs(numbers) do
local job = held[number]
if job and is_dead and not job.is_dead then
job.is_dead = true
bury(job, reason, now, ms > 0 and now + ms or '')
elseif job and not is_dead and not job.is_retried then
job.is_retried = true
local row, due = job.row, now + ms
local ttl = ttl_of(row)
if row[5] ~= '' then row[5] = due + (ttl ~= '' and ttl or math.max(1, row[5] - (job.since or now))) end
row[4], row[7], row[8] = due, to_score(due), ttl
jobs[#jobs + 1] = job
end
end
local done = bring_back(jobs, now)
forget_jobs(token, record, held)
wake_if_next(channel, done.due, done.id, now)
return answer_held(numbers, held, false, 0)
`,
  },
  pause: {
    sha: '97131b99cf1d58fb1a2381068daf2e1a4bd9801a',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
expect_type(PAUSED, 'hash')
local until_ms = ARGV[1] == '' and 'inf' or string.format('%d', now_ms() + tonumber(ARGV[1]))
for i = 2, #ARGV do
if ARGV[1] == '-1' then
redis.call('HDEL', PAUSED, ARGV[i])
else
redis.call('HSET', PAUSED, ARGV[i], until_ms)
end
end
return {}
`,
  },
  push: {
    sha: '344d7fcdea597905bb3a1d4ab59b4f402e6ec233',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local last_micros, texts = {}, {}
local function score_in_order(due)
local micros = last_micros[due]
if not micros then
local last = redis.call('ZREVRANGEBYSCORE', POOL, due_by(due), to_score(due), 'WITHSCORES', 'LIMIT', 0, 1)
micros = last[2] and math.floor(tonumber(last[2]) * 1000000 + 0.5) - due * 1000 or -1
texts[due] = to_score(due)
end
micros = math.min(micros + 1, 999)
last_micros[due] = micros
return texts[due] .. string.format('%03d', micros)
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local function wake_if_next(channel, due, id, now)
local function is_next()
return redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'LIMIT', 0, 1)[1] == id
end
if id and (due <= now or is_next()) then redis.pcall('PUBLISH', channel, string.format('%d', due)) end
end
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
local on_existing, channel, jobs, now = ARGV[1], ARGV[2], cmsgpack.unpack(ARGV[3]), now_ms()
local call = redis.call
local ids = {}
for i = 1, #jobs, 5 do ids[#ids + 1] = jobs[i] end
local notes = call('HMGET', READY_DUE, unpack(ids))
local answers, scores, due_of, earliest, earliest_id = {}, {}, {}, math.huge, nil
local function outcome_for(id, bucket, topic, body, note)
local found = redis.pcall('HGET', bucket, 'topic')
if not found then return 'pushed', noted_topic(note) end
if type(found) == 'table' then return 'blocked' end
local ready = not due_of[id] and not call('ZSCORE', POOL, id)
if on_existing == 'replace' then return 'replaced', ready and found end
if ready and not is_in_ready_list(id, found) then return 'pushed', found end
if found == topic and call('HGET', bucket, 'body') == body then return 'repeated' end
return on_existing == 'keep' and 'kept' or 'conflict'
end
local CODES = { pushed = 0, replaced = 1, repeated = 2, kept = 3, conflict = 4, blocked = 5 }
for i = 1, #jobs, 5 do
local id, topic, body, due, expiry = jobs[i], jobs[i + 1], jobs[i + 2], jobs[i + 3], jobs[i + 4]
if type(body) == 'number' then body = ARGV[body] end
local bucket, note = BUCKET .. id, notes[(i + 4) / 5]
local outcome, old_topic = outcome_for(id, bucket, topic, body, note)
if outcome == 'pushed' or outcome == 'replaced' then
due = type(due) == 'number' and now + due or math.max(now, tonumber(due))
call('HSET', bucket, 'topic', topic, 'body', body)
call('PEXPIREAT', bucket, type(expiry) == 'number' and due + expiry or expiry)
if outcome == 'replaced' or old_topic then call('HDEL', bucket, 'delayer', 'attempts') end
if old_topic then leave_ready_list(id, old_topic) end
if note then call('HDEL', READY_DUE, id) end
scores[#scores + 1] = score_in_order(due)
scores[#scores + 1] = id
due_of[id] = due
if due < earliest then earliest, earliest_id = due, id end
else
local score = call('ZSCORE', POOL, id)
due = due_of[id] or score and from_score(score)
or tonumber(noted_due(call('HGET', READY_DUE, id), expiry_of(bucket, now))) or -1
end
answers[#answers + 1] = CODES[outcome]
answers[#answers + 1] = due
end
if #scores > 0 then redis.call('ZADD', POOL, unpack(scores)) end
wake_if_next(channel, earliest, earliest_id, now)
return answers
`,
  },
  release: {
    sha: 'd194511abeae6d70afc865204b7e36abe3c02d3b',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local function write_memo(attempts, ttl, expires_at, topic, body)
return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end
local function read_memo(bucket, memo, old_attempts, expires_at, topic, body)
if not memo then return tonumber(old_attempts) or 0, '' end
local ok, memo_fields = pcall(cmsgpack.unpack, memo)
if not ok or type(memo_fields) ~= 'table' then return 0, '' end
expect_version(bucket, memo_fields[1])
local expiry = memo_fields[4]
local same_expiry = expiry == expires_at
or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
if not same_expiry or memo_fields[5] ~= topic then return 0, '' end
if memo_fields[6] ~= redis.sha1hex(body) then return 0, '' end
return memo_fields[2], memo_fields[3]
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local function forget_old_entry(id)
local note = redis.call('HGET', READY_DUE, id)
if not note then return end
local topic = noted_topic(note)
if topic then leave_ready_list(id, topic) end
redis.call('HDEL', READY_DUE, id)
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local last_micros, texts = {}, {}
local function score_in_order(due)
local micros = last_micros[due]
if not micros then
local last = redis.call('ZREVRANGEBYSCORE', POOL, due_by(due), to_score(due), 'WITHSCORES', 'LIMIT', 0, 1)
micros = last[2] and math.floor(tonumber(last[2]) * 1000000 + 0.5) - due * 1000 or -1
texts[due] = to_score(due)
end
micros = math.min(micros + 1, 999)
last_micros[due] = micros
return texts[due] .. string.format('%03d', micros)
end
local MOST_BEFORE = 5000
local function place_of(note)
local score = read_note(note)
return tonumber(score) or math.huge
end
local function count_before(ready, place)
local low, high = 0, math.min(redis.call('LLEN', ready), MOST_BEFORE)
while low < high do
local middle = math.floor((low + high) / 2)
local id = redis.call('LINDEX', ready, -1 - middle)
if place_of(redis.call('HGET', READY_DUE, id)) < place then low = middle + 1 else high = middle end
end
return low
end
local function in_parts_of_1000(ids, use)
for i = 1, #ids, 1000 do use(unpack(ids, i, math.min(i + 999, #ids))) end
end
local function append(ready, ids)
in_parts_of_1000(ids, function(...) redis.call('RPUSH', ready, ...) end)
end
local function ids_in_order(entries)
for i, entry in ipairs(entries) do entry.order = i end
table.sort(entries, function(a, b)
if a.place ~= b.place then return a.place > b.place end
return a.order > b.order
end)
local ids = {}
for i, entry in ipairs(entries) do ids[i] = entry.id end
return ids
end
local function with_places(ids)
local entries = {}
in_parts_of_1000(ids, function(...)
for _, note in ipairs(redis.call('HMGET', READY_DUE, ...)) do
entries[#entries + 1] = { id = ids[#entries + 1], place = place_of(note) }
end
end)
return entries
end
local function put_in_line(topic, entries)
local ready, first, last = READY .. topic, math.huge, -math.huge
for _, entry in ipairs(entries) do
entry.place = tonumber(entry.place) or -math.huge
first, last = math.min(first, entry.place), math.max(last, entry.place)
end
local before = count_before(ready, last)
local lifted = before > 0 and redis.call('LRANGE', ready, -before, -1) or {}
if before > 0 then redis.call('LTRIM', ready, 0, -before - 1) end
if before == 0 or place_of(redis.call('HGET', READY_DUE, lifted[1])) <= first then
append(ready, ids_in_order(entries))
append(ready, lifted)
return
end
for _, entry in ipairs(with_places(lifted)) do entries[#entries + 1] = entry end
append(ready, ids_in_order(entries))
end
local DUPLICATE_RETRY_MS = 1000
local function waiting_id(name)
return string.match(name, '^:(.*)$')
end
local function let_wait(job, now)
local found = type_of(WAITING .. job.row[2])
if found ~= 'none' and found ~= 'list' then return false end
job.since = job.since or now
redis.call('RPUSH', WAITING .. job.row[2], pack_job(job))
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. job.row[2])
return true
end
local function waiting_jobs(id)
local jobs = {}
for _, packed in ipairs(read('LRANGE', WAITING .. id, 0, -1) or {}) do
local record = read_record(WAITING .. id, packed)
local job = job_of(record, ':' .. id, record.rows[1])
job.packed = packed
jobs[#jobs + 1] = job
end
return jobs
end
local function end_waiting(id, jobs, left, now)
for _, job in ipairs(jobs) do redis.call('LREM', WAITING .. id, 1, job.packed) end
if left == 0 then
redis.call('ZREM', RESERVED, ':' .. id)
else
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. id)
end
end
local function jobs_of(name)
local id = waiting_id(name)
if id then return waiting_jobs(id) end
local record, jobs = load_record(name), {}
for _, row in ipairs(record and record.rows or {}) do jobs[#jobs + 1] = job_of(record, name, row) end
return jobs
end
local function shifted_expiry(expires_at, since, now)
if expires_at == '' or not since or since == 0 then return expires_at end
return expires_at + math.max(0, now - since)
end
local function can_come_back(job)
if redis.call('EXISTS', BUCKET .. job.row[2]) == 1 then return false end
local found = type_of(READY .. job.topic)
return found == 'none' or found == 'list'
end
local function write_bucket(job, expires_at)
local row = job.row
local id, body, attempts = row[2], row[3], row[6]
local bucket = BUCKET .. id
redis.call('HSET', bucket, 'topic', job.topic, 'body', body)
if attempts > 0 or expires_at ~= row[5] then
local memo = write_memo(attempts, ttl_of(row), expires_at, job.topic, body)
redis.call('HSET', bucket, 'delayer', memo)
end
if expires_at ~= '' then redis.call('PEXPIREAT', bucket, expires_at) end
end
local function plan(job, now)
local due, expires_at = job.row[4], job.row[5]
if job.is_retried or (due ~= '' and due > now) then return expires_at, true end
return shifted_expiry(expires_at, job.since, now), false
end
local function bring_back(jobs, now)
local done, lines, buckets = { back = 0, waiting = 0, due = math.huge, id = nil, stuck = {} }, {}, {}
local taken = {}
for _, job in ipairs(jobs) do
local row = job.row
local id, due = row[2], row[4]
if taken[id] or not can_come_back(job) then
if let_wait(job, now) then
done.waiting = done.waiting + 1
else
done.stuck[#done.stuck + 1] = row
end
else
local expires_at, is_delayed = plan(job, now)
taken[id] = true
buckets[#buckets + 1] = { job = job, expires_at = expires_at }
redis.call('ZREM', POOL, id)
if is_delayed then
redis.call('ZADD', POOL, score_in_order(due), id)
forget_old_entry(id)
if due < done.due then done.due, done.id = due, id end
else
lines[job.topic] = lines[job.topic] or {}
table.insert(lines[job.topic], { id = id, place = row[7] })
if row[7] ~= '' then redis.call('HSET', READY_DUE, id, write_note(row[7], expires_at, job.topic)) end
end
end
end
for topic, entries in pairs(lines) do put_in_line(topic, entries) end
for _, bucket in ipairs(buckets) do write_bucket(bucket.job, bucket.expires_at) end
done.back = #buckets
return done
end
expect_type(POOL, 'zset')
expect_type(RESERVED, 'zset')
expect_type(READY_DUE, 'hash')
local again, token, first_deadline, numbers = ARGV[1] == '1', ARGV[2], tonumber(ARGV[3]), numbers_from(4)
local held, record = held_jobs(token, numbers)
local jobs = {}
for _, job in pairs(held) do
expect_type(WAITING .. job.row[2], 'list')
job.row[6] = math.max(0, job.row[6] - 1)
jobs[#jobs + 1] = job
end
allow_writes()
bring_back(jobs, now_ms())
forget_jobs(token, record, held)
return answer_held(numbers, held, again, first_deadline)
`,
  },
  remove: {
    sha: 'ee087ae4ab83b77eb18787bcb1a6e500aa22ee9b',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local DUPLICATE_RETRY_MS = 1000
local function waiting_id(name)
return string.match(name, '^:(.*)$')
end
local function let_wait(job, now)
local found = type_of(WAITING .. job.row[2])
if found ~= 'none' and found ~= 'list' then return false end
job.since = job.since or now
redis.call('RPUSH', WAITING .. job.row[2], pack_job(job))
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. job.row[2])
return true
end
local function waiting_jobs(id)
local jobs = {}
for _, packed in ipairs(read('LRANGE', WAITING .. id, 0, -1) or {}) do
local record = read_record(WAITING .. id, packed)
local job = job_of(record, ':' .. id, record.rows[1])
job.packed = packed
jobs[#jobs + 1] = job
end
return jobs
end
local function end_waiting(id, jobs, left, now)
for _, job in ipairs(jobs) do redis.call('LREM', WAITING .. id, 1, job.packed) end
if left == 0 then
redis.call('ZREM', RESERVED, ':' .. id)
else
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. id)
end
end
local function jobs_of(name)
local id = waiting_id(name)
if id then return waiting_jobs(id) end
local record, jobs = load_record(name), {}
for _, row in ipairs(record and record.rows or {}) do jobs[#jobs + 1] = job_of(record, name, row) end
return jobs
end
local function bury(job, reason, now, delete_at)
local row = job.row
local record = { RECORD_VERSION, job.topic, row[3], row[4], ttl_of(row), row[6], reason, now, delete_at }
redis.call('RPUSH', DEAD_LETTER .. row[2], cmsgpack.pack(record))
redis.call('ZADD', DEAD, 'LT', delete_at == '' and 'inf' or to_score(delete_at), row[2])
end
local function read_letter(id, packed)
local record = cmsgpack.unpack(packed)
expect_version(DEAD_LETTER .. id, record[1])
return {
topic = record[2], body = record[3], due = record[4], ttl = record[5], attempts = record[6],
reason = record[7], failed_at = record[8], delete_at = record[9],
}
end
local function letters_of(id)
local letters = {}
local packed = read('LRANGE', DEAD_LETTER .. id, 0, -1) or {}
for i = #packed, 1, -1 do
local letter = read_letter(id, packed[i])
letter.packed = packed[i]
letters[#letters + 1] = letter
end
return letters
end
local function delete_letters(id, deleted, kept)
local next_delete = math.huge
for _, letter in ipairs(deleted) do redis.call('LREM', DEAD_LETTER .. id, 1, letter.packed) end
for _, letter in ipairs(kept) do
if letter.delete_at ~= '' then next_delete = math.min(next_delete, letter.delete_at) end
end
if #kept == 0 then
redis.call('ZREM', DEAD, id)
else
redis.call('ZADD', DEAD, next_delete == math.huge and 'inf' or to_score(next_delete), id)
end
end
local function delete_old_letters(now, limit)
local deleted = 0
local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', due_by(now), 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
local old, kept = {}, {}
for _, letter in ipairs(letters_of(id)) do
local is_kept = letter.delete_at == '' or letter.delete_at > now
table.insert(is_kept and kept or old, letter)
end
deleted = deleted + #old
delete_letters(id, old, kept)
end
return deleted, #ids == limit
end
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
expect_type(DEAD, 'zset')
local jobs, now, answers = cmsgpack.unpack(ARGV[1]), now_ms(), {}
local function state_of(id, score, topic)
local is_over = topic and is_expired(expiry_of(BUCKET .. id, now), now)
if score then
local due = from_score(score)
if due > now then return 'delayed', due end
return (topic and not is_over) and 'due' or 'expired', due
end
if is_over then return 'expired' end
return topic and 'ready' or 'none'
end
local function topic_of_expired(id)
local topic = noted_topic(redis.call('HGET', READY_DUE, id))
return topic and is_in_ready_list(id, topic) and topic
end
local function remove_living(id, topic, list_topic)
redis.call('ZREM', POOL, id)
if topic then redis.call('UNLINK', BUCKET .. id) end
redis.call('HDEL', READY_DUE, id)
if list_topic then leave_ready_list(id, list_topic) end
end
local function remove_waiting(id, jobs_waiting, wanted_due)
local gone, kept = {}, {}
for _, job in ipairs(jobs_waiting) do
local is_kept = wanted_due ~= '' and job.row[4] ~= wanted_due
table.insert(is_kept and kept or gone, job)
end
if #gone > 0 then end_waiting(id, gone, #kept, now) end
return #gone
end
for i = 1, #jobs, 3 do
local id, states, wanted_due = jobs[i], jobs[i + 1], jobs[i + 2]
local function may_remove(state) return string.find(states, ' ' .. state .. ' ', 1, true) ~= nil end
local score, bucket_fields = redis.call('ZSCORE', POOL, id), fields(BUCKET .. id, 'topic')
local topic = bucket_fields and bucket_fields[1]
local state, due = state_of(id, score, topic)
local expired_topic = state == 'none' and topic_of_expired(id)
if expired_topic then state = 'expired' end
local list_topic = expired_topic or (not score and topic)
if not due and list_topic then
local expires_at = topic and expiry_of(BUCKET .. id, now) or nil
due = expires_at and noted_due(redis.call('HGET', READY_DUE, id), expires_at)
end
local jobs_waiting = may_remove('delayed') and waiting_jobs(id) or {}
local letters = may_remove('dead') and wanted_due == '' and letters_of(id) or {}
local removed = state ~= 'none' and may_remove(state) and (wanted_due == '' or due == wanted_due)
if removed then remove_living(id, topic, list_topic) end
local waiting = remove_waiting(id, jobs_waiting, wanted_due)
if waiting > 0 and not removed then state, removed = 'delayed', true end
local is_dead = redis.call('EXISTS', DEAD_LETTER .. id) == 1
if #letters > 0 then
delete_letters(id, letters, {})
if state == 'none' then removed = true end
end
if is_dead and state == 'none' then state = 'dead' end
answers[#answers + 1] = removed and 1 or 0
answers[#answers + 1] = state
end
return answers
`,
  },
  requeue: {
    sha: 'fde4d7d9685002393b519d2be3cfd5197e693253',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local function forget_old_entry(id)
local note = redis.call('HGET', READY_DUE, id)
if not note then return end
local topic = noted_topic(note)
if topic then leave_ready_list(id, topic) end
redis.call('HDEL', READY_DUE, id)
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local function bury(job, reason, now, delete_at)
local row = job.row
local record = { RECORD_VERSION, job.topic, row[3], row[4], ttl_of(row), row[6], reason, now, delete_at }
redis.call('RPUSH', DEAD_LETTER .. row[2], cmsgpack.pack(record))
redis.call('ZADD', DEAD, 'LT', delete_at == '' and 'inf' or to_score(delete_at), row[2])
end
local function read_letter(id, packed)
local record = cmsgpack.unpack(packed)
expect_version(DEAD_LETTER .. id, record[1])
return {
topic = record[2], body = record[3], due = record[4], ttl = record[5], attempts = record[6],
reason = record[7], failed_at = record[8], delete_at = record[9],
}
end
local function letters_of(id)
local letters = {}
local packed = read('LRANGE', DEAD_LETTER .. id, 0, -1) or {}
for i = #packed, 1, -1 do
local letter = read_letter(id, packed[i])
letter.packed = packed[i]
letters[#letters + 1] = letter
end
return letters
end
local function delete_letters(id, deleted, kept)
local next_delete = math.huge
for _, letter in ipairs(deleted) do redis.call('LREM', DEAD_LETTER .. id, 1, letter.packed) end
for _, letter in ipairs(kept) do
if letter.delete_at ~= '' then next_delete = math.min(next_delete, letter.delete_at) end
end
if #kept == 0 then
redis.call('ZREM', DEAD, id)
else
redis.call('ZADD', DEAD, next_delete == math.huge and 'inf' or to_score(next_delete), id)
end
end
local function delete_old_letters(now, limit)
local deleted = 0
local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', due_by(now), 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
local old, kept = {}, {}
for _, letter in ipairs(letters_of(id)) do
local is_kept = letter.delete_at == '' or letter.delete_at > now
table.insert(is_kept and kept or old, letter)
end
deleted = deleted + #old
delete_letters(id, old, kept)
end
return deleted, #ids == limit
end
local last_micros, texts = {}, {}
local function score_in_order(due)
local micros = last_micros[due]
if not micros then
local last = redis.call('ZREVRANGEBYSCORE', POOL, due_by(due), to_score(due), 'WITHSCORES', 'LIMIT', 0, 1)
micros = last[2] and math.floor(tonumber(last[2]) * 1000000 + 0.5) - due * 1000 or -1
texts[due] = to_score(due)
end
micros = math.min(micros + 1, 999)
last_micros[due] = micros
return texts[due] .. string.format('%03d', micros)
end
local function wake_if_next(channel, due, id, now)
local function is_next()
return redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'LIMIT', 0, 1)[1] == id
end
if id and (due <= now or is_next()) then redis.pcall('PUBLISH', channel, string.format('%d', due)) end
end
expect_type(POOL, 'zset')
expect_type(DEAD, 'zset')
expect_type(READY_DUE, 'hash')
local DEFAULT_TTL_MS = 604800000
local now, answer = now_ms(), {}
local due, first = now + tonumber(ARGV[1]), nil
for i = 3, #ARGV do
local id = ARGV[i]
local letters = letters_of(id)
local letter = table.remove(letters, 1)
if not letter then
answer[#answer + 1] = 'none'
elseif redis.call('EXISTS', BUCKET .. id) == 1 then
answer[#answer + 1] = 'duplicate_id'
else
redis.call('ZADD', POOL, score_in_order(due), id)
forget_old_entry(id)
redis.call('HSET', BUCKET .. id, 'topic', letter.topic, 'body', letter.body)
redis.call('PEXPIREAT', BUCKET .. id, due + (letter.ttl ~= '' and letter.ttl or DEFAULT_TTL_MS))
delete_letters(id, { letter }, letters)
first = first or id
answer[#answer + 1] = 'requeued'
end
end
wake_if_next(ARGV[2], due, first, now)
return answer
`,
  },
  reserve: {
    sha: '5fb1eb1872c27adab78435f6a8322fd40a9d3058',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local function write_note(score, expires_at, topic)
if expires_at ~= '' and expires_at >= 1e14 then expires_at = string.format('%d', expires_at) end
return RECORD_VERSION .. ' ' .. score .. ' ' .. expires_at .. ' ' .. topic
end
local function read_note(note)
if not note then return nil end
local version, score, expires_at, topic = string.match(note, '^(%d%d?%d?) ([%d.]+) (%d*) (.*)$')
if version then
expect_version(READY_DUE, tonumber(version))
return score, expires_at, topic
end
return string.match(note, '^([%d.]+) (%d*) (.*)$')
end
local function noted_topic(note)
local _, _, topic = read_note(note)
return topic
end
local function noted_place(note, expires_at)
local score, expiry = read_note(note)
if not score then return '' end
local tolerance = exact_expiry and 0 or 1
local never = expiry == '' and expires_at == ''
local same = never or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= tolerance)
return same and score or ''
end
local function noted_due(note, expires_at)
local place = noted_place(note, expires_at)
return place ~= '' and from_score(place) or ''
end
local function write_memo(attempts, ttl, expires_at, topic, body)
return cmsgpack.pack({ RECORD_VERSION, attempts, ttl, expires_at, topic, redis.sha1hex(body) })
end
local function read_memo(bucket, memo, old_attempts, expires_at, topic, body)
if not memo then return tonumber(old_attempts) or 0, '' end
local ok, memo_fields = pcall(cmsgpack.unpack, memo)
if not ok or type(memo_fields) ~= 'table' then return 0, '' end
expect_version(bucket, memo_fields[1])
local expiry = memo_fields[4]
local same_expiry = expiry == expires_at
or (expiry ~= '' and expires_at ~= '' and math.abs(expiry - expires_at) <= 1)
if not same_expiry or memo_fields[5] ~= topic then return 0, '' end
if memo_fields[6] ~= redis.sha1hex(body) then return 0, '' end
return memo_fields[2], memo_fields[3]
end
local MOST_BYTES = 1048576
local lrem_budget = 300000
local function leave_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return end
lrem_budget = lrem_budget - entries
redis.call('LREM', ready, 0, id)
end
local function is_in_ready_list(id, topic)
local ready = READY .. topic
if type_of(ready) ~= 'list' then return false end
local entries = redis.call('LLEN', ready)
if entries > lrem_budget then return true end
lrem_budget = lrem_budget - entries
return redis.call('LPOS', ready, id) ~= false
end
local function forget_old_entry(id)
local note = redis.call('HGET', READY_DUE, id)
if not note then return end
local topic = noted_topic(note)
if topic then leave_ready_list(id, topic) end
redis.call('HDEL', READY_DUE, id)
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
local last_micros, texts = {}, {}
local function score_in_order(due)
local micros = last_micros[due]
if not micros then
local last = redis.call('ZREVRANGEBYSCORE', POOL, due_by(due), to_score(due), 'WITHSCORES', 'LIMIT', 0, 1)
micros = last[2] and math.floor(tonumber(last[2]) * 1000000 + 0.5) - due * 1000 or -1
texts[due] = to_score(due)
end
micros = math.min(micros + 1, 999)
last_micros[due] = micros
return texts[due] .. string.format('%03d', micros)
end
local MOST_BEFORE = 5000
local function place_of(note)
local score = read_note(note)
return tonumber(score) or math.huge
end
local function count_before(ready, place)
local low, high = 0, math.min(redis.call('LLEN', ready), MOST_BEFORE)
while low < high do
local middle = math.floor((low + high) / 2)
local id = redis.call('LINDEX', ready, -1 - middle)
if place_of(redis.call('HGET', READY_DUE, id)) < place then low = middle + 1 else high = middle end
end
return low
end
local function in_parts_of_1000(ids, use)
for i = 1, #ids, 1000 do use(unpack(ids, i, math.min(i + 999, #ids))) end
end
local function append(ready, ids)
in_parts_of_1000(ids, function(...) redis.call('RPUSH', ready, ...) end)
end
local function ids_in_order(entries)
for i, entry in ipairs(entries) do entry.order = i end
table.sort(entries, function(a, b)
if a.place ~= b.place then return a.place > b.place end
return a.order > b.order
end)
local ids = {}
for i, entry in ipairs(entries) do ids[i] = entry.id end
return ids
end
local function with_places(ids)
local entries = {}
in_parts_of_1000(ids, function(...)
for _, note in ipairs(redis.call('HMGET', READY_DUE, ...)) do
entries[#entries + 1] = { id = ids[#entries + 1], place = place_of(note) }
end
end)
return entries
end
local function put_in_line(topic, entries)
local ready, first, last = READY .. topic, math.huge, -math.huge
for _, entry in ipairs(entries) do
entry.place = tonumber(entry.place) or -math.huge
first, last = math.min(first, entry.place), math.max(last, entry.place)
end
local before = count_before(ready, last)
local lifted = before > 0 and redis.call('LRANGE', ready, -before, -1) or {}
if before > 0 then redis.call('LTRIM', ready, 0, -before - 1) end
if before == 0 or place_of(redis.call('HGET', READY_DUE, lifted[1])) <= first then
append(ready, ids_in_order(entries))
append(ready, lifted)
return
end
for _, entry in ipairs(with_places(lifted)) do entries[#entries + 1] = entry end
append(ready, ids_in_order(entries))
end
local DUPLICATE_RETRY_MS = 1000
local function waiting_id(name)
return string.match(name, '^:(.*)$')
end
local function let_wait(job, now)
local found = type_of(WAITING .. job.row[2])
if found ~= 'none' and found ~= 'list' then return false end
job.since = job.since or now
redis.call('RPUSH', WAITING .. job.row[2], pack_job(job))
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. job.row[2])
return true
end
local function waiting_jobs(id)
local jobs = {}
for _, packed in ipairs(read('LRANGE', WAITING .. id, 0, -1) or {}) do
local record = read_record(WAITING .. id, packed)
local job = job_of(record, ':' .. id, record.rows[1])
job.packed = packed
jobs[#jobs + 1] = job
end
return jobs
end
local function end_waiting(id, jobs, left, now)
for _, job in ipairs(jobs) do redis.call('LREM', WAITING .. id, 1, job.packed) end
if left == 0 then
redis.call('ZREM', RESERVED, ':' .. id)
else
redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), ':' .. id)
end
end
local function jobs_of(name)
local id = waiting_id(name)
if id then return waiting_jobs(id) end
local record, jobs = load_record(name), {}
for _, row in ipairs(record and record.rows or {}) do jobs[#jobs + 1] = job_of(record, name, row) end
return jobs
end
local function shifted_expiry(expires_at, since, now)
if expires_at == '' or not since or since == 0 then return expires_at end
return expires_at + math.max(0, now - since)
end
local function can_come_back(job)
if redis.call('EXISTS', BUCKET .. job.row[2]) == 1 then return false end
local found = type_of(READY .. job.topic)
return found == 'none' or found == 'list'
end
local function write_bucket(job, expires_at)
local row = job.row
local id, body, attempts = row[2], row[3], row[6]
local bucket = BUCKET .. id
redis.call('HSET', bucket, 'topic', job.topic, 'body', body)
if attempts > 0 or expires_at ~= row[5] then
local memo = write_memo(attempts, ttl_of(row), expires_at, job.topic, body)
redis.call('HSET', bucket, 'delayer', memo)
end
if expires_at ~= '' then redis.call('PEXPIREAT', bucket, expires_at) end
end
local function plan(job, now)
local due, expires_at = job.row[4], job.row[5]
if job.is_retried or (due ~= '' and due > now) then return expires_at, true end
return shifted_expiry(expires_at, job.since, now), false
end
local function bring_back(jobs, now)
local done, lines, buckets = { back = 0, waiting = 0, due = math.huge, id = nil, stuck = {} }, {}, {}
local taken = {}
for _, job in ipairs(jobs) do
local row = job.row
local id, due = row[2], row[4]
if taken[id] or not can_come_back(job) then
if let_wait(job, now) then
done.waiting = done.waiting + 1
else
done.stuck[#done.stuck + 1] = row
end
else
local expires_at, is_delayed = plan(job, now)
taken[id] = true
buckets[#buckets + 1] = { job = job, expires_at = expires_at }
redis.call('ZREM', POOL, id)
if is_delayed then
redis.call('ZADD', POOL, score_in_order(due), id)
forget_old_entry(id)
if due < done.due then done.due, done.id = due, id end
else
lines[job.topic] = lines[job.topic] or {}
table.insert(lines[job.topic], { id = id, place = row[7] })
if row[7] ~= '' then redis.call('HSET', READY_DUE, id, write_note(row[7], expires_at, job.topic)) end
end
end
end
for topic, entries in pairs(lines) do put_in_line(topic, entries) end
for _, bucket in ipairs(buckets) do write_bucket(bucket.job, bucket.expires_at) end
done.back = #buckets
return done
end
local FORGET_AT_LEAST = 100
local function forget_notes(added)
local most, sample, looked_at = math.max(FORGET_AT_LEAST, 2 * added), 10, 0
while looked_at < most do
local left_over = {}
for _, id in ipairs(redis.call('HRANDFIELD', READY_DUE, sample)) do
if redis.call('EXISTS', BUCKET .. id) == 0 then left_over[#left_over + 1] = id end
end
if #left_over > 0 then redis.call('HDEL', READY_DUE, unpack(left_over)) end
if #left_over < 0.3 * sample then return end
looked_at, sample = looked_at + sample, 50
end
end
local function due_jobs(now, skip, limit)
if skip == 0 then
return redis.call('ZRANGEBYSCORE', POOL, '-inf', due_by(now), 'WITHSCORES', 'LIMIT', 0, limit)
end
local jobs = redis.call('ZRANGE', POOL, skip, skip + limit - 1, 'WITHSCORES')
while #jobs > 0 and from_score(jobs[#jobs]) > now do
jobs[#jobs], jobs[#jobs - 1] = nil, nil
end
return jobs
end
local function promote(now, skip, limit)
local due = due_jobs(now, skip, limit)
local done = { promoted = 0, expired = 0, stuck = 0, more = #due == 2 * limit }
local expired, topics, ids_of, notes = {}, {}, {}, {}
for i = 1, #due, 2 do
local id = due[i]
local bucket = BUCKET .. id
local topic = redis.pcall('HGET', bucket, 'topic')
local usable = type(topic) == 'string'
if usable and not ids_of[topic] then
local found = type_of(READY .. topic)
ids_of[topic] = { usable = found == 'none' or found == 'list' }
topics[#topics + 1] = topic
end
if not topic then
expired[#expired + 1] = id
elseif not usable or not ids_of[topic].usable then
done.stuck = done.stuck + 1
else
local ids = ids_of[topic]
ids[#ids + 1] = id
notes[#notes + 1] = id
notes[#notes + 1] = write_note(due[i + 1], expiry_of(bucket, now), topic)
end
end
local all = skip == 0 and done.stuck == 0 and #due > 0
local taken_out = all and redis.call('ZREMRANGEBYRANK', POOL, 0, #due / 2 - 1) == #due / 2
if all then
done.expired = taken_out and #expired or 0
elseif #expired > 0 then
done.expired = redis.call('ZREM', POOL, unpack(expired))
end
for _, topic in ipairs(topics) do
local ids = ids_of[topic]
if #ids > 0 and (taken_out or (not all and redis.call('ZREM', POOL, unpack(ids)) == #ids)) then
redis.call('LPUSH', READY .. topic, unpack(ids))
done.promoted = done.promoted + #ids
end
end
if #notes > 0 then
redis.call('HSET', READY_DUE, unpack(notes))
forget_notes(#notes / 2)
end
return done
end
local function bring_back_waiting(id, now)
local jobs = waiting_jobs(id)
local first = jobs[1]
if not first or not can_come_back(first) then
end_waiting(id, {}, #jobs, now)
return 0, #jobs
end
bring_back({ first }, now)
end_waiting(id, { first }, #jobs - 1, now)
return 1, #jobs - 1
end
local function bring_back_record(name, now)
local record, jobs = load_record(name), {}
if not record then
redis.call('ZREM', RESERVED, name)
return 0, 0
end
for _, row in ipairs(record.rows) do jobs[#jobs + 1] = job_of(record, name, row) end
local done = bring_back(jobs, now)
keep_rows(name, record, done.stuck)
if #done.stuck > 0 then redis.call('ZADD', RESERVED, to_score(now + DUPLICATE_RETRY_MS), name) end
return done.back, done.waiting + #done.stuck
end
local function reclaim(now, limit)
local done, bytes = { reclaimed = 0, waiting = 0, more = false }, 0
local names = redis.call('ZRANGEBYSCORE', RESERVED, '-inf', due_by(now), 'LIMIT', 0, limit)
done.more = #names == limit
if #names > 0 then allow_writes() end
for _, name in ipairs(names) do
if done.reclaimed + done.waiting >= limit or bytes > MOST_BYTES then
done.more = true
break
end
bytes = bytes + bytes_of(name)
local bring, what = bring_back_record, name
if waiting_id(name) then bring, what = bring_back_waiting, waiting_id(name) end
local back, waiting = bring(what, now)
done.reclaimed, done.waiting = done.reclaimed + back, done.waiting + waiting
end
return done
end
local function limit_after(back, limit)
return math.max(1, limit - back.reclaimed - back.waiting)
end
local function next_in(now, earliest)
local first = redis.call('ZRANGEBYSCORE', POOL, to_score(now + 1), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
local lease = redis.call('ZRANGE', RESERVED, 0, 0, 'WITHSCORES')[2]
local at = math.min(
earliest,
first and from_score(first) or math.huge,
lease and from_score(lease) or math.huge
)
return at < math.huge and math.max(0, at - now)
end
local limit, lease_ms, token = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local skip, promote_limit, most_bytes = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local FIRST_TOPIC = 7
local call = redis.call
for i = FIRST_TOPIC, #ARGV do expect_type(READY .. ARGV[i], 'list') end
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
local now = now_ms()
local deadline = read('ZSCORE', RESERVED, token)
if deadline == nil then expect_type(RESERVED, 'zset') end
local packed = deadline and call('GET', INFLIGHT .. token)
if packed then return { 0, -1, 0, 0, from_score(deadline), unpack(cmsgpack.unpack(packed)) } end
local topics, pause_end = {}, math.huge
local pauses = read('HMGET', PAUSED, unpack(ARGV, FIRST_TOPIC)) or {}
for i = FIRST_TOPIC, #ARGV do
local pause = pauses[i - FIRST_TOPIC + 1]
local until_ms = tonumber(pause or 0) or 0
if pause and until_ms <= now then call('HDEL', PAUSED, ARGV[i]) end
if until_ms <= now then topics[#topics + 1] = ARGV[i] else pause_end = math.min(pause_end, until_ms) end
end
local back = reclaim(now, promote_limit)
local done = promote(now, skip, limit_after(back, promote_limit))
local LATER_WINDOW, MOST_ENTRIES = 250, 1000
local rows, buckets, notes_of, seen = { RECORD_VERSION, '', now, 0, now + lease_ms }, {}, {}, {}
local n, bytes, full = HEAD, 0, false
local function add_job(id, body, memo, old_attempts, topic, note, expires_at)
local bucket = BUCKET .. id
local attempts, ttl = read_memo(bucket, memo, old_attempts, expires_at, topic, body)
local place = noted_place(note, expires_at)
buckets[#buckets + 1] = bucket
rows[n + 1], rows[n + 2], rows[n + 3] = #buckets, id, body
rows[n + 4], rows[n + 5] = place ~= '' and from_score(place) or '', expires_at
rows[n + 6], rows[n + 7], rows[n + 8] = attempts + 1, place, ttl
n = n + ROW
end
local function look_at(ids, topic)
local in_pool = call('ZMSCORE', POOL, unpack(ids))
local notes = call('HMGET', READY_DUE, unpack(ids))
for i = #ids, 1, -1 do
local id = ids[i]
if not in_pool[i] and not seen[id] then
local job = fields(BUCKET .. id, 'topic', 'body', 'delayer', 'attempts') or {}
local body, expires_at = job[2], nil
if job[1] == topic and body then expires_at = expiry_of(BUCKET .. id, now) end
if expires_at and not is_expired(expires_at, now) then
full = #buckets == limit or (bytes > 0 and bytes + #body > most_bytes)
if full then return #ids - i end
bytes = bytes + #body
seen[id] = true
add_job(id, body, job[3], job[4], topic, notes[i], expires_at)
end
end
if notes[i] then notes_of[#notes_of + 1] = id end
end
return #ids
end
local entries_of, named, at_end = {}, {}, true
local looked_at = 0
for _, topic in ipairs(topics) do
local entries, window = 0, math.max(1, limit - #buckets)
repeat
local ids = call('LRANGE', READY .. topic, -entries - window, -entries - 1)
at_end = #ids < window
if #ids > 0 then entries = entries + look_at(ids, topic) end
window = LATER_WINDOW
until at_end or full or #buckets == limit or looked_at + entries >= MOST_ENTRIES
entries_of[topic], looked_at = entries, looked_at + entries
if #buckets > (named[#named] or 0) then
named[#named + 1] = topic
named[#named + 1] = #buckets
end
if full or #buckets == limit or not at_end then break end
end
rows[2], rows[4] = #named == 2 and named[1] or named, #buckets
if #buckets > 0 then
local until_score = to_score(now + lease_ms)
if type(redis.pcall('ZADD', RESERVED, until_score, token)) == 'table' then
allow_writes()
call('ZADD', RESERVED, until_score, token)
end
call('SET', INFLIGHT .. token, cmsgpack.pack(rows))
end
for topic, entries in pairs(entries_of) do
if entries > 0 then call('LTRIM', READY .. topic, 0, -entries - 1) end
end
for i = 1, #notes_of, 1000 do call('HDEL', READY_DUE, unpack(notes_of, i, math.min(i + 999, #notes_of))) end
if #buckets > 0 then call('UNLINK', unpack(buckets)) end
local more = done.more or back.more or not at_end
local next_ms = #buckets == 0 and next_in(now, pause_end) or -1
local paused = #topics == 0 and 1 or 0
return { more and 1 or 0, next_ms, done.stuck, paused, now + lease_ms, unpack(rows) }
`,
  },
  revoke: {
    sha: 'bfb9db60140b24edeed6f77c96bcac1a77641952',
    source: `local POOL, RESERVED, READY_DUE = KEYS[1], KEYS[2], KEYS[3]
local BUCKET, READY, INFLIGHT = KEYS[4], KEYS[5], KEYS[6]
local DEAD, DEAD_LETTER, PAUSED, WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local RECORD_VERSION = 2
local function type_of(key)
return redis.call('TYPE', key).ok
end
local function expect_type(key, wanted)
local found = type_of(key)
if found ~= 'none' and found ~= wanted then
error('WRONGTYPEKEY ' .. wanted .. ' ' .. found .. ' ' .. key .. ';')
end
end
local function expect_version(key, version)
if version ~= RECORD_VERSION then
error('NEWERRECORD ' .. tostring(version) .. ' ' .. RECORD_VERSION .. ' ' .. key .. ';')
end
end
local function read(command, key, ...)
local reply = redis.pcall(command, key, ...)
if type(reply) ~= 'table' or not reply.err then return reply end
if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
end
local function fields(key, ...)
return read('HMGET', key, ...)
end
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function to_score(ms)
return string.format('%d.%03d', math.floor(ms / 1000), ms % 1000)
end
local LAST_MS = 253402300799999
local function from_score(score)
return math.max(0, math.min(math.floor(tonumber(score) * 1000 + 0.0005), LAST_MS))
end
local function due_by(ms)
return '(' .. to_score(ms + 1)
end
local exact_expiry = true
local function expiry_of(key, now)
if exact_expiry then
local at = redis.pcall('PEXPIRETIME', key)
if type(at) == 'number' then return at >= 0 and at or '' end
exact_expiry = false
end
local ttl = redis.call('PTTL', key)
return ttl >= 0 and now + ttl or ''
end
local function is_expired(expires_at, now)
return expires_at ~= '' and expires_at <= now
end
local HEAD, ROW = 5, 8
local OLD_HEAD, OLD_ROW = 1, 6
local function topic_of(topics, number)
if type(topics) == 'string' then return topics end
for i = 1, #topics, 2 do
if number <= topics[i + 1] then return topics[i] end
end
end
local function rows_of(record)
local head, width = HEAD, ROW
if type(record[1]) == 'string' then head, width = OLD_HEAD, OLD_ROW end
local rows = {}
for i = head + 1, #record, width do
local row = { unpack(record, i, i + width - 1) }
row[7], row[8] = row[7] or (row[4] ~= '' and to_score(row[4]) or ''), row[8] or ''
rows[#rows + 1] = row
end
return rows
end
local function read_record(key, packed)
local record = cmsgpack.unpack(packed)
if type(record[1]) == 'string' then return { topics = record[1], rows = rows_of(record) } end
expect_version(key, record[1])
local _, topics, since, count, deadline = unpack(record, 1, HEAD)
return { topics = topics, since = since, count = count, deadline = deadline, rows = rows_of(record) }
end
local function load_record(name)
local packed = read('GET', INFLIGHT .. name)
return packed and read_record(INFLIGHT .. name, packed) or nil
end
local function bytes_of(name)
local bytes = redis.pcall('STRLEN', INFLIGHT .. name)
return type(bytes) == 'number' and bytes or 0
end
local function allow_writes()
redis.call('ZREM', RESERVED, '')
end
local function keep_rows(name, record, rows)
allow_writes()
if #rows == 0 then
redis.call('UNLINK', INFLIGHT .. name)
redis.call('ZREM', RESERVED, name)
return
end
local packed = { RECORD_VERSION, record.topics, record.since or 0, record.count or 1, record.deadline or 0 }
for _, row in ipairs(rows) do
for i = 1, ROW do packed[#packed + 1] = row[i] end
end
redis.call('SET', INFLIGHT .. name, cmsgpack.pack(packed))
end
local function pack_job(job)
local record = { RECORD_VERSION, job.topic, job.since or 0, job.count or 1, job.deadline or 0 }
for i = 1, ROW do record[HEAD + i] = job.row[i] end
return cmsgpack.pack(record)
end
local function job_of(record, name, row)
return {
name = name, topic = topic_of(record.topics, row[1]),
since = record.since, count = record.count, deadline = record.deadline, row = row,
}
end
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
local function ttl_of(row)
if row[8] ~= '' then return row[8] end
return row[4] ~= '' and row[5] ~= '' and row[5] - row[4] or ''
end
local function numbers_from(first)
local numbers = {}
for i = first, #ARGV do numbers[#numbers + 1] = tonumber(ARGV[i]) end
return numbers
end
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
expect_type(RESERVED, 'zset')
local answer = {}
for i = 1, #ARGV, 2 do
local name, number = ARGV[i], tonumber(ARGV[i + 1])
local record, kept = load_record(name), {}
local rows = record and record.rows or {}
for _, row in ipairs(rows) do
if row[1] ~= number then kept[#kept + 1] = row end
end
if #kept < #rows then keep_rows(name, record, kept) end
answer[#answer + 1] = #kept < #rows and 1 or 0
end
return answer
`,
  },
} as const satisfies Record<string, Script>;
