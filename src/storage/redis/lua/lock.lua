-- Takes a lock that is free or already this owner's.
-- include: keys, lock
-- ARGV: name, owner, for how long in ms
-- Answers: whether the owner has it now (0 or 1)
return { take_lock(ARGV[1], ARGV[2], ARGV[3]) and 0 or 1 }
