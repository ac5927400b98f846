import { type Defect, LUA, redis, SQLITE, sqlite } from './defect.js';

/** Defects of retries, of what a job keeps over its attempts, and of locks. */
export const OF_RETRIES: readonly Defect[] = [
  redis('nack ignores the retries', 'a nack retries a job although no retry is left', [
    `${LUA}/nack.lua`,
    `job.is_dead = must_die or not has_retry_left(job, policy)`,
    `job.is_dead = must_die`,
  ]),
  sqlite('nack ignores the retries', 'a nack retries a job although no retry is left', [
    `${SQLITE}/settle.ts`,
    `!failure.isDead && (!policy || hasRetryLeft(attempt, own.retries ?? policy.retries));`,
    `!failure.isDead && (!policy || hasRetryLeft(attempt * 0, own.retries ?? policy.retries));`,
  ]),
  redis('one retry too many', 'a job whose last lease ends is retried once more', [
    `${LUA}/lib/policy.lua`,
    `job.row[6] <= (own_settings(job) or policy[1])`,
    `job.row[6] <= (own_settings(job) or policy[1]) + 1`,
  ]),
  redis('constant pause', 'the pause before a retry does not grow', [
    `${LUA}/nack.lua`,
    `first * 2 ^ math.min(attempt - 1, 60)`,
    `first`,
  ]),
  sqlite('constant pause', 'the pause before a retry does not grow', [
    'src/core/retry-policy.ts',
    `firstMs * 2 ** Math.min(attempt - 1, 60)`,
    `firstMs`,
  ]),
  redis('jitter too large', 'the pause before a retry may be 50 % longer', [
    `${LUA}/nack.lua`,
    `tonumber(ARGV[4]) * tonumber(ARGV[5])`,
    `tonumber(ARGV[4]) * 0.5`,
  ]),
  redis('ended lease always retried', 'a job whose lease ends with no retry left is retried', [
    `${LUA}/lib/reclaim.lua`,
    `if has_retry_left(job, policy) then return nil end`,
    `if true then return nil end`,
  ]),
  sqlite('ended lease always retried', 'a job whose lease ends with no retry left is retried', [
    `${SQLITE}/maintain.ts`,
    `if (hasRetryLeft(attempt, own.retries ?? policy.retries)) continue;`,
    `if (hasRetryLeft(attempt * 0, own.retries ?? policy.retries)) continue;`,
  ]),
  redis(
    'all attempts counted as ended leases',
    'the reason of a dead letter counts all attempts as leases that ended',
    [
      `${LUA}/lib/reclaim.lua`,
      `if history[i] == 'lease_ended' then times = times + 1 end`,
      `if history[i] then times = times + 1 end`,
    ],
  ),
  redis('own settings ignored', "a job's own retries and backoff are ignored", [
    `${LUA}/lib/policy.lua`,
    `if not extras or flaw_of(extras) then return nil end`,
    `if extras or not extras then return nil end`,
  ]),
  redis('only the last attempt kept', 'only the last attempt of a job is kept', [
    `${LUA}/lib/extras.lua`,
    `local kept = { unpack(history, math.max(0, #history - ATTEMPT * (MOST_ATTEMPTS - 1)) + 1) }`,
    `local kept = {}`,
  ]),
  redis('eleven attempts kept', 'the last eleven attempts are kept', [
    `${LUA}/lib/extras.lua`,
    `local MOST_ATTEMPTS, MOST_RETRIES = 10, 1000000`,
    `local MOST_ATTEMPTS, MOST_RETRIES = 11, 1000000`,
  ]),
  sqlite('only the last attempt kept', 'only the last attempt of a job is kept', [
    `${SQLITE}/extras.ts`,
    `return JSON.stringify(past.slice(-MAX_HISTORY));`,
    `return JSON.stringify(past.slice(-MAX_HISTORY).slice(-1));`,
  ]),
  redis('key changes', 'each attempt of a job has another key', [
    `${LUA}/lib/extras.lua`,
    `if extras[1] ~= '' then return extras[1] end`,
    ``,
  ]),
  sqlite('key changes', 'each attempt of a job has another key', [
    `${SQLITE}/ended-attempts.ts`,
    `extrasKey: found.extrasKey ?? firstKey(ended, at)`,
    `extrasKey: firstKey(ended, at)`,
  ]),
  redis('release loses the key', 'a job that was released has another key at its next lease', [
    `${LUA}/release.lua`,
    `keep_key(job)`,
    ``,
  ]),
  redis('lock not checked', 'a reserve under a lock does not check whether another owner has it', [
    `${LUA}/lib/lock.lua`,
    `if holder and holder ~= owner then`,
    `if false then`,
  ]),
  sqlite('lock not checked', 'a reserve under a lock does not check whether another owner has it', [
    `${SQLITE}/lock.ts`,
    `WHERE owner = excluded.owner OR`,
    `WHERE true OR owner = excluded.owner OR`,
  ]),
];
