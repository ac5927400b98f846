-- Frees a lock that is this owner's.
-- include: keys
-- ARGV: name, owner
-- Answers: nothing
local lock = LOCK .. ARGV[1]
if look('string', 'GET', lock) == ARGV[2] then redis.call('UNLINK', lock) end
return {}
