import { type Defect, LUA, REDIS, redis, SQLITE, sqlite } from './defect.js';

/** Defects of export and import. */
export const OF_MOVING: readonly Defect[] = [
  redis('import restores delivered jobs', 'an import that is run again restores jobs that were delivered', [
    `${LUA}/import.lua`,
    `if file and not is_retry and reached ~= from then return { reached, '' } end`,
    ``,
  ]),
  sqlite('import restores delivered jobs', 'an import that is run again restores jobs that were delivered', [
    `${SQLITE}/import-jobs.ts`,
    `  if (line !== from) return line;`,
    ``,
  ]),
  redis('refused lines are forgotten', 'a refused line of a file is not imported when it is tried again', [
    `${LUA}/import.lua`,
    `  if file then note_line(lines[n], outcome) end`,
    `  if is_retry then note_line(lines[n], outcome) end`,
  ]),
  sqlite('refused lines are forgotten', 'a refused line of a file is not imported when it is tried again', [
    `${SQLITE}/import-jobs.ts`,
    `      if (step) noteRefused(connection, step.file, chunk, outcomes);`,
    `      if (step && !step) noteRefused(connection, step.file, chunk, outcomes);`,
  ]),
  redis(
    'retried line imported twice',
    'a line that was refused and then imported is imported by each retry',
    [`${LUA}/import.lua`, `  if is_retry and not are_left[n] then`, `  if false then`],
  ),
  sqlite(
    'retried line imported twice',
    'a line that was refused and then imported is imported by each retry',
    [`${SQLITE}/import-jobs.ts`, `    if (!connection.get(IS_REFUSED, file, line)) return 'before';`, ``],
  ),
  redis(
    'import without the leased time',
    'the ready lifetime of an imported job did not stand still while it was leased',
    [
      `${LUA}/import.lua`,
      `  if more and more.since ~= '' then expires_at = shifted_expiry(expires_at, more.since, now) end`,
      ``,
    ],
  ),
  sqlite(
    'import without the leased time',
    'the ready lifetime of an imported job did not stand still while it was leased',
    [
      `${SQLITE}/import-jobs.ts`,
      `  return Math.min(at + Math.max(0, now - leasedAtMs), LAST_TIME_MS);`,
      `  return Math.min(at + 0 * leasedAtMs, LAST_TIME_MS);`,
    ],
  ),
  redis('dead letter imported twice', 'a dead letter that is imported again is stored twice', [
    `${LUA}/lib/letters.lua`,
    `    if other and is_same_letter(other, letter) then return nil end`,
    ``,
  ]),
  sqlite('dead letter imported twice', 'a dead letter that is imported again is stored twice', [
    `${SQLITE}/import-jobs.ts`,
    `  if (connection.get(SAME_LETTER, job.id, job.topic, job.body, failedAtMs)) return 'repeated';`,
    ``,
  ]),
  redis('imported dead letter is the latest', 'an imported dead letter counts as the latest of its id', [
    `${LUA}/lib/letters.lua`,
    `    if is_few and is_later then index = i end`,
    ``,
  ]),
  redis(
    'moved job missing in the file',
    'of two jobs of one id that are moved, one of them leased, the file has only one',
    [
      `${REDIS}/remove.ts`,
      `    const own = [...ofId].filter((one) => isWanted(job, one));`,
      `    const own = [...ofId];`,
    ],
  ),
  redis('doubled entry exported twice', 'a job that an original daemon made ready twice is exported twice', [
    `${REDIS}/inspect/walk-ready.ts`,
    `      return !names.has(name) && names.add(name);`,
    `      return !names.has(name);`,
  ]),
  redis(
    'lifetime stands still before due',
    'the ready lifetime of a job that is held stands still even before the job is due',
    [`${LUA}/lib/waiting.lua`, `  return math.max(since, due)`, `  return since`],
  ),
  redis('hold sent twice', 'a hold whose answer was lost is sent again, and answers that it holds no job', [
    `${REDIS}/hold.ts`,
    `caller.run('never', (target) => scripts.hold(target, params, cleared))`,
    `caller.run('idempotent', (target) => scripts.hold(target, params, cleared))`,
  ]),
  sqlite(
    'hold not atomic',
    'a job that is held leaves the line before its lease is written',
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
  redis('hold counts as attempt', 'a hold that ends counts as an attempt', [
    `${LUA}/lib/reclaim.lua`,
    `  if job.policy == HOLD then`,
    `  if job.policy == HOLD .. '-' then`,
  ]),
  sqlite('hold counts as attempt', 'a hold that ends counts as an attempt', [
    `${SQLITE}/maintain.ts`,
    `    if (ended.policy === HOLD) {`,
    `    if (ended.policy === undefined) {`,
  ]),
];
