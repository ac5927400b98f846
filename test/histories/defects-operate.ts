import { type Defect, LUA, SQLITE, redis, sqlite } from './defect.js';

export const OF_OPERATING: readonly Defect[] = [
  redis('edited to the end', 'a ready job that is edited goes to the end of the line', [
    `${LUA}/edit.lua`,
    `return { '', 1, state }`,
    `if state == 'ready' then
  redis.call('LREM', READY .. it.topic, 0, id)
  redis.call('LPUSH', READY .. it.topic, id)
end
return { '', 1, state }`,
  ]),
  redis('resume one, resume all', 'to resume a topic resumes all', [
    `${LUA}/pause.lua`,
    `redis.call('HDEL', PAUSED, ARGV[i])`,
    `redis.call('DEL', PAUSED)`,
  ]),
  redis('paused for good', 'a pause without end is not made shorter by one that has one', [
    `${LUA}/pause.lua`,
    `redis.call('HSET', PAUSED, ARGV[i], until_ms)`,
    `if redis.call('HGET', PAUSED, ARGV[i]) ~= 'inf' then redis.call('HSET', PAUSED, ARGV[i], until_ms) end`,
  ]),
  redis('unlocked by anybody', 'a lock is freed by whoever asks', [
    `${LUA}/unlock.lua`,
    `if look('string', 'GET', lock) == ARGV[2] then redis.call('UNLINK', lock) end`,
    `redis.call('UNLINK', lock)`,
  ]),
  sqlite('unlocked by anybody', 'a lock is freed by whoever asks', [
    `${SQLITE}/lock.ts`,
    `DELETE FROM lock WHERE name = ? AND owner = ?`,
    `DELETE FROM lock WHERE name = ? AND ? IS NOT NULL`,
  ]),
  redis('attempts for ever', 'a requeued job has its attempts still', [
    `${LUA}/requeue.lua`,
    `keeps_attempts and letter.attempts or 0`,
    `letter.attempts`,
  ]),
  sqlite('attempts for ever', 'a requeued job has its attempts still', [
    `${SQLITE}/requeue.ts`,
    `attempts = iif(?3, attempts, 0)`,
    `attempts = iif(?3, attempts, attempts)`,
  ]),
  redis('still waiting', 'a remove leaves jobs that wait for another one of their id', [
    `${LUA}/remove.lua`,
    `if waits == 0 or not is_among(states, 'delayed') or not may_have(WAITING) then return end`,
    `if true then return end`,
  ]),
  redis('the wrong end', 'an attempt that ended with its lease is told as one that failed', [
    `${LUA}/lib/reclaim.lua`,
    `end_attempt(job, ended, 'lease_ended', '', '', '')`,
    `end_attempt(job, ended, 'retried', '', '', '')`,
  ]),
  redis('replaced, and tried before', 'a job that replaces another has its memo still', [
    `${LUA}/lib/admit.lua`,
    `if before.found then redis.call('HDEL', bucket, 'delayer') end`,
    ``,
  ]),
  redis('no end is now', 'a dead letter that is kept for ever is over at once', [
    `${LUA}/lib/policy.lua`,
    `return dead_ttl > 0 and math.min(now + dead_ttl, LAST_MS) or ''`,
    `return math.min(now + dead_ttl, LAST_MS)`,
  ]),
  redis('one topic a time', 'a reserve of several topics takes jobs of the first that has one alone', [
    `${LUA}/reserve.lua`,
    `if full or #buckets == limit or not at_end then break end`,
    `if full or #buckets > 0 or not at_end then break end`,
  ]),
  redis('a page by its score', 'a page begins behind all that have the score of the last job', [
    `${LUA}/lib/page.lua`,
    `return redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 1`,
    `if not is_reversed then return redis.call('ZCOUNT', key, '-inf', score) end
    return redis.call('ZREVRANK', key, member) + 1`,
  ]),
  sqlite('rescheduled in its old turn', 'of jobs due together a rescheduled one keeps its number', [
    `${SQLITE}/reschedule.ts`,
    `if (connection.get(LATER, row.topic, dueAt, row.seq)) {`,
    `if (false && connection.get(LATER, row.topic, dueAt, row.seq)) {`,
  ]),
  redis('requeued without an end', 'a requeued job never expires', [
    `${LUA}/requeue.lua`,
    `  redis.call('PEXPIREAT', bucket, expires_at)`,
    ``,
  ]),
  sqlite('edited, and its end not', 'a new ready lifetime is told, and the end stays', [
    `${SQLITE}/edit.ts`,
    `ttl_ms = ?, expires_at = ? WHERE seq = ?`,
    `ttl_ms = ?, expires_at = iif(?, expires_at, expires_at) WHERE seq = ?`,
  ]),
  redis(
    'the second look',
    'what waits for an id that is free comes back one after the other, all but the last',
    [
      `${LUA}/lib/reclaim.lua`,
      `end_waiting(id, { first }, #jobs - 1, now)`,
      `end_waiting(id, { first }, 0, now)`,
    ],
  ),
  redis('a note in the wrong list', 'a job that comes back leaves its older entry in another list', [
    `${LUA}/lib/comeback.lua`,
    `        forget_old_entry(id)\n`,
    ``,
  ]),
];
