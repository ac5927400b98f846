-- Frees a lock that is this owner's.
-- include: keys
-- KEYS: those of every script, then the lock
-- ARGV: owner
-- Answers: nothing
if look('string', 'GET', KEYS[14]) == ARGV[1] then redis.call('UNLINK', KEYS[14]) end
return {}
