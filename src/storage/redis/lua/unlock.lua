-- Frees a lock that is this owner's.
-- include: keys
-- KEYS: those of every script, then the lock
-- ARGV: owner
-- Answers: nothing
if look('string', 'GET', KEYS[13]) == ARGV[1] then redis.call('UNLINK', KEYS[13]) end
return {}
