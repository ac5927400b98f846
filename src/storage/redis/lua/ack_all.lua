-- Ends all leases of a reservation whose jobs are done, without unpacking its record: nearly every ack is one of
-- all.
-- include: keys
-- ARGV: token, how many jobs the reservation took
-- Answers: 1; 0 when it does not hold all of them any more, or that cannot be told here, and nothing changed.
local inflight, jobs = INFLIGHT .. ARGV[1], tonumber(ARGV[2])

-- The head of a msgpack array, followed by the version, which msgpack writes as one byte. A record with fewer jobs
-- is shorter.
local head = redis.pcall('GETRANGE', inflight, '0', '3')
if type(head) ~= 'string' then return 0 end
local kind, high, low, version = string.byte(head, 1, 4)
local length = kind == 0xdc and high * 256 + low or (kind or 0) - 0x90
if kind ~= 0xdc then version = high end
if length ~= HEAD + ROW * jobs or version ~= RECORD_VERSION then return 0 end

-- This fails when its key is of a wrong type, before anything is deleted.
redis.call('ZREM', RESERVED, ARGV[1])
redis.call('UNLINK', inflight)
return 1
