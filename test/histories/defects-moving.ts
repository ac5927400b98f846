import { type Defect, LUA, REDIS, redis, SQLITE, sqlite } from './defect.js';

/** Of jobs that move between stores and files. */
export const OF_MOVING: readonly Defect[] = [
  redis('brought back', 'an import that is run again brings back what was delivered', [
    `${LUA}/import.lua`,
    `if reached ~= from then return { reached, '' } end`,
    ``,
  ]),
  sqlite('brought back', 'an import that is run again brings back what was delivered', [
    `${SQLITE}/import-jobs.ts`,
    `  if (line !== from) return line;`,
    ``,
  ]),
  redis('it ran on', 'the lifetime of an imported job that was leased has not stood still', [
    `${LUA}/import.lua`,
    `  if more and more.since ~= '' then expires_at = shifted_expiry(expires_at, more.since, now) end`,
    ``,
  ]),
  sqlite('it ran on', 'the lifetime of an imported job that was leased has not stood still', [
    `${SQLITE}/import-jobs.ts`,
    `  return Math.min(at + Math.max(0, now - leasedAtMs), LAST_TIME_MS);`,
    `  return Math.min(at + 0 * leasedAtMs, LAST_TIME_MS);`,
  ]),
  redis('a letter twice', 'a dead letter that is imported again lies there twice', [
    `${LUA}/lib/dead.lua`,
    `    if is_same then return false end`,
    ``,
  ]),
  sqlite('a letter twice', 'a dead letter that is imported again lies there twice', [
    `${SQLITE}/import-jobs.ts`,
    `  if (connection.get(SAME_LETTER, job.id, job.topic, job.body, failedAtMs)) return 'repeated';`,
    ``,
  ]),
  redis('letters out of order', 'an imported dead letter counts as the latest of its id', [
    `${LUA}/lib/dead.lua`,
    `  if later then`,
    `  if later and later.packed == '' then`,
  ]),
  redis(
    'left out of the file',
    'of two jobs of one id that are moved, one of them leased, the file has one',
    [
      `${REDIS}/remove.ts`,
      `    const own = [...ofId].filter((one) => isWanted(job, one));`,
      `    const own = [...ofId];`,
    ],
  ),
  redis('exported twice', 'a job that an original daemon made ready twice is exported twice', [
    `${REDIS}/inspect/walk-ready.ts`,
    `      return !names.has(name) && names.add(name);`,
    `      return !names.has(name);`,
  ]),
  redis('still too early', 'the lifetime of a job that is held stands still before it is due', [
    `${LUA}/lib/waiting.lua`,
    `  return math.max(since, due)`,
    `  return since`,
  ]),
  redis(
    'held, and told of as not',
    'a hold whose answer was lost is asked again, and answers that it holds none',
    [
      `${REDIS}/hold.ts`,
      `caller.run('never', (target) => scripts.hold(target, params, cleared))`,
      `caller.run('idempotent', (target) => scripts.hold(target, params, cleared))`,
    ],
  ),
  sqlite(
    'half a hold',
    'a job that is to be held leaves the line before its lease is written down',
    [
      `${SQLITE}/hold.ts`,
      `  if (seqs.length > 0)
    leaseJobs(connection, seqs, {`,
      `  if (seqs.length > 0) changeJobs(connection, 'UPDATE job SET state = 1', seqs);
  if (seqs.length > 0) {
    connection.get('COMMIT');
    connection.get('BEGIN IMMEDIATE');
  }
  if (seqs.length > 0)
    leaseJobs(connection, seqs, {`,
    ],
    [
      `${SQLITE}/hold.ts`,
      `import { IN_LINE, LAST_TIME_MS, WAITING }`,
      `import { changeJobs, IN_LINE, LAST_TIME_MS, WAITING }`,
    ],
  ),
  redis('held is tried', 'a hold that ends counts as an attempt', [
    `${LUA}/lib/reclaim.lua`,
    `  if job.policy == HOLD then`,
    `  if job.policy == HOLD .. '-' then`,
  ]),
  sqlite('held is tried', 'a hold that ends counts as an attempt', [
    `${SQLITE}/maintain.ts`,
    `    if (ended.policy === HOLD) {`,
    `    if (ended.policy === undefined) {`,
  ]),
];
