import { type Defect, LUA, SQLITE, redis, sqlite } from './defect.js';

export const OF_OPERATING: readonly Defect[] = [
  redis('edit moves to the end', 'a ready job that is edited goes to the end of the line', [
    `${LUA}/edit.lua`,
    `return { '', 1, state }`,
    `if state == 'ready' then
  redis.call('LREM', READY .. it.topic, 0, id)
  redis.call('LPUSH', READY .. it.topic, id)
end
return { '', 1, state }`,
  ]),
  redis('resume ends all pauses', 'resuming one topic resumes all', [
    `${LUA}/pause.lua`,
    `redis.call('HDEL', PAUSED, ARGV[i])`,
    `redis.call('DEL', PAUSED)`,
  ]),
  redis('endless pause not shortened', 'a pause without end is not replaced by a pause with an end', [
    `${LUA}/pause.lua`,
    `redis.call('HSET', PAUSED, ARGV[i], until_ms)`,
    `if redis.call('HGET', PAUSED, ARGV[i]) ~= 'inf' then redis.call('HSET', PAUSED, ARGV[i], until_ms) end`,
  ]),
  redis('unlock without owner', 'any process can free a lock', [
    `${LUA}/unlock.lua`,
    `if look('string', 'GET', lock) == ARGV[2] then redis.call('UNLINK', lock) end`,
    `redis.call('UNLINK', lock)`,
  ]),
  sqlite('unlock without owner', 'any process can free a lock', [
    `${SQLITE}/lock.ts`,
    `DELETE FROM lock WHERE name = ? AND owner = ?`,
    `DELETE FROM lock WHERE name = ? AND ? IS NOT NULL`,
  ]),
  redis('requeue keeps attempts', 'a requeued job keeps its attempts', [
    `${LUA}/requeue.lua`,
    `keeps_attempts and letter.attempts or 0`,
    `letter.attempts`,
  ]),
  sqlite('requeue keeps attempts', 'a requeued job keeps its attempts', [
    `${SQLITE}/requeue.ts`,
    `attempts = iif(?3, attempts, 0)`,
    `attempts = iif(?3, attempts, attempts)`,
  ]),
  redis('remove leaves waiting jobs', 'a remove leaves jobs that wait for another one of their id', [
    `${LUA}/remove.lua`,
    `if waits == 0 or not is_among(states, 'delayed') or not may_have(WAITING) then return end`,
    `if true then return end`,
  ]),
  redis(
    'ended lease reported as failure',
    'an attempt that ended with its lease is reported as a failed one',
    [
      `${LUA}/lib/reclaim.lua`,
      `end_attempt(job, ended, 'lease_ended', '', '', '')`,
      `end_attempt(job, ended, 'retried', '', '', '')`,
    ],
  ),
  redis('replacement keeps the memo', 'a job that replaces another one has the memo of that one', [
    `${LUA}/lib/admit.lua`,
    `if before.found then redis.call('HDEL', bucket, 'delayer') end`,
    ``,
  ]),
  redis('endless dead letter deleted', 'a dead letter that is to be kept without end ends at once', [
    `${LUA}/lib/policy.lua`,
    `return dead_ttl > 0 and math.min(now + dead_ttl, LAST_MS) or ''`,
    `return math.min(now + dead_ttl, LAST_MS)`,
  ]),
  redis(
    'only one topic reserved',
    'a reserve of several topics takes jobs only of the first topic that has one',
    [
      `${LUA}/reserve.lua`,
      `if full or #buckets == limit or not at_end then break end`,
      `if full or #buckets > 0 or not at_end then break end`,
    ],
  ),
  redis('page skips equal scores', 'a page begins after all jobs with the score of the last job', [
    `${LUA}/lib/page.lua`,
    `return redis.call(is_reversed and 'ZREVRANK' or 'ZRANK', key, member) + 1`,
    `if not is_reversed then return redis.call('ZCOUNT', key, '-inf', score) end
    return redis.call('ZREVRANK', key, member) + 1`,
  ]),
  sqlite('reschedule keeps the place', 'among jobs due together, a rescheduled job keeps its old number', [
    `${SQLITE}/reschedule.ts`,
    `if (connection.get(LATER, row.topic, dueAt, row.seq)) {`,
    `if (false && connection.get(LATER, row.topic, dueAt, row.seq)) {`,
  ]),
  redis('requeue without expiry', 'a requeued job never expires', [
    `${LUA}/requeue.lua`,
    `  redis.call('PEXPIREAT', bucket, expires_at)`,
    ``,
  ]),
  sqlite('edit keeps the expiry', 'an edit of the ready lifetime does not change the expiry', [
    `${SQLITE}/edit.ts`,
    `ttl_ms = ?, expires_at = ? WHERE seq = ?`,
    `ttl_ms = ?, expires_at = iif(?, expires_at, expires_at) WHERE seq = ?`,
  ]),
  redis('last waiting job left', 'of the jobs that wait for a free id, the last one does not come back', [
    `${LUA}/lib/reclaim.lua`,
    `end_waiting(id, { first }, #jobs - 1, now)`,
    `end_waiting(id, { first }, 0, now)`,
  ]),
  redis('older entry left', 'when a job comes back, its older entry stays in another list', [
    `${LUA}/lib/comeback.lua`,
    `        end_older_notes({ id })\n`,
    ``,
  ]),
];
