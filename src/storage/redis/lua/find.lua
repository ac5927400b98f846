-- Reads what is known of an id, apart from leases and dead letters.
-- include: keys, aside, time, note, memo
-- ARGV: id, how many entries of its ready list to look through
-- Answers: now in ms, score in the pool or '', what stands in the place of its body (none, hash or another
--   type), topic or '', body or nil (neither for a job that was ready and has expired), due ms or '', expiry ms
--   or '', attempts, ready lifetime in ms or '', extras or '', topic, due ms and expiry ms of its note, each or '',
--   until when its topic is paused or '', topic of a job of it that was set aside or '', type and length of its ready
--   list, then its places in that list from the left, where the list is not longer than it looks through
expect_type(POOL, 'zset')
expect_type(READY_DUE, 'hash')
local id, most, now = ARGV[1], tonumber(ARGV[2]), now_ms()
local bucket, score = BUCKET .. id, redis.call('ZSCORE', POOL, id)
local job = fields(bucket, 'topic', 'body', 'delayer') or {}
local topic, body, written_expiry = job[1], job[2], written_expiry_of(bucket)
local expires_at = within_bounds(written_expiry)
-- Redis keeps the body for the whole millisecond in which it expires. Such a job is shown as it is afterwards: only
-- an entry is left, which may stand in another list. Lists show no more of it either.
if not score and is_expired(written_expiry, now) then topic, body = nil, nil end

local note = redis.call('HGET', READY_DUE, id)
local noted, place, noted_expiry = noted_topic(note), read_note(note)
local _, noted_due_time = read_place(place or '')
local aside = read_aside(read('HGET', SET_ASIDE, id))
local aside_topic = aside and aside[2]
local list_topic = topic or noted
local pause = list_topic and read('HGET', PAUSED, list_topic)

local due, attempts, ttl, extras = score and from_score(score) or noted_due(note, written_expiry), 0, '', ''
if topic and body then attempts, ttl, extras = read_memo(bucket, job[3], note, due, expires_at, topic, body) end
if score then ttl = lifetime_of(ttl, due, written_expiry) end
local answer = {
  now, score or '', type_of(bucket), topic or '', body or false,
  due, expires_at, attempts, ttl, extras,
  noted or '', noted_due_time or '', within_bounds(noted_expiry or ''), pause or '',
  aside_topic or '', 'none', 0,
}
if not list_topic then return answer end
local ready = READY .. list_topic
answer[16] = type_of(ready)
if answer[16] ~= 'list' then return answer end
answer[17] = redis.call('LLEN', ready)
if answer[17] > most then return answer end
for _, index in ipairs(redis.call('LPOS', ready, id, 'COUNT', 0)) do answer[#answer + 1] = index end
return answer
