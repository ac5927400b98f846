-- Notes that a daemon is at work, and forgets daemons and topics not seen for long.
-- include: keys, time, topics
-- ARGV: name, after how many ms a daemon is forgotten
-- Answers: nothing
expect_type(DAEMONS, 'zset')
local now = now_ms()
-- Removing comes first: Redis allows it when it is out of memory, and then what follows it.
redis.call('ZREMRANGEBYSCORE', DAEMONS, '-inf', to_score(now - tonumber(ARGV[2])))
redis.call('ZREM', DAEMONS, ARGV[1])
redis.call('ZADD', DAEMONS, to_score(now), ARGV[1])
-- Of daemons that were killed nothing is left after a while.
redis.call('PEXPIRE', DAEMONS, ARGV[2])
forget_topics(now)
return {}
