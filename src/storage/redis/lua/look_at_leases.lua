-- Looks at a part of the leases and of the jobs that wait for another one of their id; usually it reads only the
-- heads of their records.
-- include: keys, time, bounds, record, waiting
-- ARGV: how many, then the first rank, or '' for so many at random, one perhaps twice
-- Answers: how many records were looked at, then for each topic of each record: topic, jobs leased, jobs that wait, who
--   holds them or ''
expect_type(RESERVED, 'zset')

-- The head of a record has at most so many bytes, unless it is of many topics.
local HEAD_BYTES = 1024

-- How many elements a packed array has, and where the first one begins.
local function array_of(packed)
  local first = string.byte(packed) or 0
  if first >= 0x90 and first <= 0x9f then return first - 0x90, 1 end
  if first == 0xdc and #packed >= 3 then return struct.unpack('>H', packed, 2), 3 end
  if first == 0xdd and #packed >= 5 then return struct.unpack('>I4', packed, 2), 5 end
  return 0, 0
end

-- Topic, number of jobs and holder of a record of one topic; nil when that takes reading the whole record.
local function glance_at(name)
  local packed = read('GETRANGE', INFLIGHT .. name, 0, HEAD_BYTES - 1)
  local length, begin = array_of(packed or '')
  local jobs = (length - HEAD) / ROW
  if jobs < 1 or jobs % 1 ~= 0 then return nil end
  local ok, _, version, topics, since, count, deadline, policy, holder =
    pcall(cmsgpack.unpack_limit, packed, HEAD, begin)
  local is_known = ok and version == RECORD_VERSION and type(topics) == 'string'
  if is_known and is_head(topics, since, count, deadline, policy, holder) then return topics, jobs, holder end
end

local limit, answer, looked_at, bytes = tonumber(ARGV[1]), { 0 }, 0, 0

local function add(topic, leased, waiting, holder)
  for _, value in ipairs({ topic, leased, waiting, holder }) do answer[#answer + 1] = value end
end

local function add_read(name)
  local waits, counts, holder = waiting_id(name) or string.find(name, ':', 1, true), {}, ''
  for _, job in ipairs(jobs_of(name)) do
    counts[job.topic] = (counts[job.topic] or 0) + 1
    holder = job.holder or holder
  end
  for topic, count in pairs(counts) do add(topic, waits and 0 or count, waits and count or 0, holder) end
  bytes = bytes + bytes_of(name)
end

local names = ARGV[2] == '' and redis.call('ZRANDMEMBER', RESERVED, -limit)
  or redis.call('ZRANGE', RESERVED, ARGV[2], ARGV[2] + limit - 1)
for _, name in ipairs(names) do
  local topic, jobs, holder = nil, nil, nil
  if not string.find(name, ':', 1, true) then topic, jobs, holder = glance_at(name) end
  if topic then add(topic, jobs, 0, holder) else add_read(name) end
  looked_at = looked_at + 1
  if bytes > MOST_BYTES then break end
end
answer[1] = looked_at
return answer
