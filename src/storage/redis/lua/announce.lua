-- Notes that a daemon is at work, and forgets daemons and topics not seen for long.
-- include: keys, time, topics
-- ARGV: the key of the daemons, name, after how many ms a daemon is forgotten
-- Answers: nothing
expect_type(ARGV[1], 'zset')
local now = now_ms()
-- Removing comes first: Redis allows it when it is out of memory, and then what follows it.
redis.call('ZREMRANGEBYSCORE', ARGV[1], '-inf', to_score(now - tonumber(ARGV[3])))
redis.call('ZREM', ARGV[1], ARGV[2])
redis.call('ZADD', ARGV[1], to_score(now), ARGV[2])
-- Of daemons that were killed nothing is left after a while.
redis.call('PEXPIRE', ARGV[1], ARGV[3])
forget_topics(now)
return {}
