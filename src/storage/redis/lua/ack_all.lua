-- Ends all leases of a request at once, their jobs done, without unpacking them: nearly every confirmation
-- is one of all.
-- include: keys
-- ARGV: token, how many jobs the request took
-- Answers: 1; 0 when it does not hold all of them any more, or that cannot be told here, and nothing changed.
local inflight, jobs = INFLIGHT .. ARGV[1], tonumber(ARGV[2])
local ROW = 6

-- The head of an array in msgpack. What holds fewer jobs was written anew and is shorter.
local head = redis.pcall('GETRANGE', inflight, 0, 2)
if type(head) ~= 'string' then return 0 end
local kind, high, low = string.byte(head, 1, 3)
local length = kind == 0xdc and high * 256 + low or (kind or 0) - 0x90
if length ~= 1 + ROW * jobs then return 0 end

redis.call('UNLINK', inflight)
redis.call('ZREM', RESERVED, ARGV[1])
return 1
