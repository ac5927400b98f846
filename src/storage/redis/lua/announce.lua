-- Notes that a daemon is at work with its report, and forgets daemons and topics that were not seen for long.
-- include: keys, time, topics
-- ARGV: name, after how many ms a daemon is forgotten, jobs that it has promoted, how late in ms the latest of them was
--   lately or ''
-- Answers: nothing
local name, forget_ms = ARGV[1], ARGV[2]
local own = DAEMON .. name
expect_type(DAEMONS, 'zset')
expect_type(own, 'string')
local now = now_ms()
-- The record is an array: version, since when it is at work in ms, and its report.
local before = unpack_array(redis.call('GET', own) or '')
local since = before and is_version(before[1]) and tonumber(before[2]) or now
-- Removing comes first: Redis allows it when it is out of memory, and then allows the writes that follow.
redis.call('ZREMRANGEBYSCORE', DAEMONS, '-inf', to_score(now - tonumber(forget_ms)))
redis.call('ZREM', DAEMONS, name)
redis.call('ZADD', DAEMONS, to_score(now), name)
local record = cmsgpack.pack({ RECORD_VERSION, since, tonumber(ARGV[3]), tonumber(ARGV[4]) or '' })
redis.call('SET', own, record, 'PX', forget_ms)
-- The record expires, so that nothing is left of daemons that were killed.
redis.call('PEXPIRE', DAEMONS, forget_ms)
forget_topics(now)
return {}
