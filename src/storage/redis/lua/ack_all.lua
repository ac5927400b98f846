-- Ends all leases of a reservation at once, their jobs done, without unpacking them: nearly every ack is one
-- of all.
-- include: keys
-- ARGV: token, how many jobs the reservation took
-- Answers: 1; 0 when it does not hold all of them any more, or that cannot be told here, and nothing changed.
local inflight, jobs = INFLIGHT .. ARGV[1], tonumber(ARGV[2])

-- The head of an array in msgpack, and behind it the version, which msgpack writes as one byte. A record that
-- holds fewer jobs is shorter.
local head = redis.pcall('GETRANGE', inflight, '0', '3')
if type(head) ~= 'string' then return 0 end
local kind, high, low, version = string.byte(head, 1, 4)
local length = kind == 0xdc and high * 256 + low or (kind or 0) - 0x90
if kind ~= 0xdc then version = high end
if length ~= HEAD + ROW * jobs or version ~= RECORD_VERSION then return 0 end

redis.call('UNLINK', inflight)
redis.call('ZREM', RESERVED, ARGV[1])
return 1
