-- Takes a lock that is free or already this owner's.
-- include: keys, lock
-- KEYS: those of every script, then the lock
-- ARGV: owner, for how long in ms
-- Answers: whether the owner has it now (0 or 1)
return { take_lock(KEYS[14], ARGV[1], ARGV[2]) and 0 or 1 }
