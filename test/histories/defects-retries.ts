import { type Defect, LUA, redis, SQLITE, sqlite } from './defect.js';

/** Of retries, what is kept of a job over its attempts, and locks. */
export const OF_RETRIES: readonly Defect[] = [
  redis('tried for ever', 'a nack tries a job again though no retry is left', [
    `${LUA}/nack.lua`,
    `job.is_dead = must_die or not has_retry_left(job, policy)`,
    `job.is_dead = must_die`,
  ]),
  sqlite('tried for ever', 'a nack tries a job again though no retry is left', [
    `${SQLITE}/settle.ts`,
    `!failure.isDead && (!policy || hasRetryLeft(attempt, own.retries ?? policy.retries));`,
    `!failure.isDead && (!policy || hasRetryLeft(attempt * 0, own.retries ?? policy.retries));`,
  ]),
  redis('one too many', 'a lease that ends with its last retry gives one more', [
    `${LUA}/lib/policy.lua`,
    `job.row[6] <= (own_settings(job) or policy[1])`,
    `job.row[6] <= (own_settings(job) or policy[1]) + 1`,
  ]),
  redis('the same pause', 'the pause before a retry does not grow', [
    `${LUA}/nack.lua`,
    `first * 2 ^ math.min(attempt - 1, 60)`,
    `first`,
  ]),
  sqlite('the same pause', 'the pause before a retry does not grow', [
    'src/core/retry-policy.ts',
    `firstMs * 2 ** Math.min(attempt - 1, 60)`,
    `firstMs`,
  ]),
  redis('an even pause', 'the pause before a retry may be half as long again', [
    `${LUA}/nack.lua`,
    `tonumber(ARGV[4]) * tonumber(ARGV[5])`,
    `tonumber(ARGV[4]) * 0.5`,
  ]),
  redis('never buried', 'a job whose lease ends with no retry left is tried again', [
    `${LUA}/lib/reclaim.lua`,
    `if has_retry_left(job, policy) then return nil end`,
    `if true then return nil end`,
  ]),
  sqlite('never buried', 'a job whose lease ends with no retry left is tried again', [
    `${SQLITE}/maintain.ts`,
    `if (hasRetryLeft(attempt, own.retries ?? policy.retries)) continue;`,
    `if (hasRetryLeft(attempt * 0, own.retries ?? policy.retries)) continue;`,
  ]),
  redis('any attempt is a loss', 'the reason of a burial counts all attempts as leases that ended', [
    `${LUA}/lib/reclaim.lua`,
    `if history[i] == 'lease_ended' then times = times + 1 end`,
    `if history[i] then times = times + 1 end`,
  ]),
  redis('its own is nothing', "a job's own retries and backoff are not followed", [
    `${LUA}/lib/policy.lua`,
    `if not extras or flaw_of(extras) then return nil end`,
    `if extras or not extras then return nil end`,
  ]),
  redis('the last one alone', 'of the attempts of a job only the last one is kept', [
    `${LUA}/lib/extras.lua`,
    `local kept = { unpack(history, math.max(0, #history - ATTEMPT * (MOST_ATTEMPTS - 1)) + 1) }`,
    `local kept = {}`,
  ]),
  redis('eleven attempts', 'the last eleven attempts are kept', [
    `${LUA}/lib/extras.lua`,
    `local MOST_ATTEMPTS, MOST_RETRIES = 10, 1000000`,
    `local MOST_ATTEMPTS, MOST_RETRIES = 11, 1000000`,
  ]),
  sqlite('the last one alone', 'of the attempts of a job only the last one is kept', [
    `${SQLITE}/extras.ts`,
    `return JSON.stringify(past.slice(-MAX_HISTORY));`,
    `return JSON.stringify(past.slice(-MAX_HISTORY).slice(-1));`,
  ]),
  redis('a key for each attempt', 'the key of a job is another one at each attempt', [
    `${LUA}/lib/extras.lua`,
    `if extras[1] ~= '' then return extras[1] end`,
    ``,
  ]),
  sqlite('a key for each attempt', 'the key of a job is another one at each attempt', [
    `${SQLITE}/ended-attempts.ts`,
    `extrasKey: found.extrasKey ?? firstKey(ended, at)`,
    `extrasKey: firstKey(ended, at)`,
  ]),
  redis('released without its key', 'a job that was released has another key at its next lease', [
    `${LUA}/release.lua`,
    `keep_key(job)`,
    ``,
  ]),
  redis('a lock for all', 'a reserve under a lock does not look whether another owner has it', [
    `${LUA}/lib/lock.lua`,
    `if holder and holder ~= owner then`,
    `if false then`,
  ]),
  sqlite('a lock for all', 'a reserve under a lock does not look whether another owner has it', [
    `${SQLITE}/lock.ts`,
    `WHERE owner = excluded.owner OR`,
    `WHERE true OR owner = excluded.owner OR`,
  ]),
];
