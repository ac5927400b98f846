import { type Defect, SQLITE, sqlite } from './defect.js';

/** Others, in SQLite. */
export const OF_SQLITE: readonly Defect[] = [
  sqlite('a lost lease is free', 'a lease that ended does not count as an attempt', [
    `${SQLITE}/maintain.ts`,
    `{ reservedAt, attempts: 1, hasExtras: true }`,
    `{ reservedAt, attempts: 0, hasExtras: true }`,
  ]),
  sqlite('release counts', 'a release counts as an attempt', [
    `${SQLITE}/settle.ts`,
    `{ reservedAt, attempts: 0, hasExtras: true }`,
    `{ reservedAt, attempts: 1, hasExtras: true }`,
  ]),
  sqlite('half a lifetime', 'a job that is tried again keeps its old expiry', [
    `${SQLITE}/return.ts`,
    `expires_at = min(? + \${TTL_MS}, \${LAST_TIME_MS})\`;`,
    `expires_at = max(? + 1, expires_at)\`;`,
  ]),
  sqlite(
    'on top of another',
    'a job that comes back takes the place of a newer one of its id',
    [
      `${SQLITE}/return.ts`,
      `return new Set(rows.filter((row) => !isExpired(row)).map(({ seq }) => seq));`,
      `deleteJobs(connection, rows.map(({ other }) => other)); return new Set();`,
    ],
    [`${SQLITE}/return.ts`, `import { changeJobs,`, `import { deleteJobs, changeJobs,`],
  ),
  sqlite('the younger first', 'of jobs due together the one that was pushed last comes first', [
    `${SQLITE}/head.ts`,
    'ORDER BY place, seq LIMIT ?3 + 0',
    'ORDER BY place, seq DESC LIMIT ?3 + 0',
  ]),
  sqlite('a millisecond too long', 'a job can be taken in the millisecond in which it expires', [
    `${SQLITE}/head.ts`,
    `ready = found.filter(({ expiresAt }) => expiresAt > now);`,
    `ready = found.filter(({ expiresAt }) => expiresAt >= now);`,
  ]),
  sqlite('the next topic first', 'behind an expired job the next topic is served first', [
    `${SQLITE}/head.ts`,
    `if (ready.length >= limit || found.length < window)`,
    `if (ready.length > 0 || found.length < window)`,
  ]),
  sqlite('extend one, move all', 'to extend one lease moves all others of its reservation', [
    `${SQLITE}/lease.ts`,
    `if (together.size === record.seqs.filter((seq) => seq !== null).length)`,
    `if (together.size > 0)`,
  ]),
  sqlite('the oldest letter', 'a requeue takes the oldest dead letter', [
    `${SQLITE}/requeue.ts`,
    `ORDER BY failed_at DESC, seq DESC LIMIT 1`,
    `ORDER BY failed_at, seq LIMIT 1`,
  ]),
  sqlite('buried for longer', 'a dead letter is kept for a millisecond more', [
    `${SQLITE}/dead.ts`,
    `WHERE dead_until <= ? ORDER BY`,
    `WHERE dead_until < ? ORDER BY`,
  ]),
  sqlite('death is free', 'the attempt of which a job died does not count', [
    `${SQLITE}/dead.ts`,
    `changeJobs(connection, BURY, seqs, attempts === 1 ? 1 : null, attempts);`,
    `changeJobs(connection, BURY, seqs, attempts === 1 ? 1 : null, 0);`,
  ]),
  sqlite(
    'a pause too long',
    'a topic is paused at the end of its pause still',
    [
      `${SQLITE}/pause.ts`,
      `WHERE until_at > ? OR until_at IS NULL`,
      `WHERE until_at >= ? OR until_at IS NULL`,
    ],
    [`${SQLITE}/pause.ts`, `DELETE FROM pause WHERE until_at <= ?`, `DELETE FROM pause WHERE until_at < ?`],
  ),
  sqlite('waiting for nobody', 'a job that waited and was removed is looked for again', [
    `${SQLITE}/remove.ts`,
    `if (row.state === WAITING) stopWaiting(connection, row.seq);`,
    `if (row.state === WAITING) void stopWaiting;`,
  ]),
  sqlite('expired, and in the way', 'an expired job refuses a push of its id', [
    `${SQLITE}/push.ts`,
    `const isExpired = existing.expiresAt <= now;`,
    `const isExpired = existing.expiresAt < 0 * now;`,
  ]),
  sqlite('expired ones before', 'expired jobs are counted among those that come before a job', [
    `${SQLITE}/inspect/find.ts`,
    `ahead.jobs - expired.jobs`,
    `ahead.jobs`,
  ]),
  sqlite('asleep over a lease', 'the next event that a consumer is told leaves out leases', [
    `${SQLITE}/agenda.ts`,
    `return Math.min(leaseEnd, waitingAgain, ...due);`,
    `return Math.min(leaseEnd * Infinity, waitingAgain, ...due);`,
  ]),
  sqlite('the id 0', 'the id 0 is taken and thrown away', [
    `${SQLITE}/head.ts`,
    `ready = found.filter(({ expiresAt }) => expiresAt > now);`,
    `ready = found.filter(({ expiresAt, id }) => expiresAt > now && String(id) !== '48' && bytesOf(id).toString() !== '0');`,
  ]),
  sqlite('half a push', 'of a push of several jobs each one is a transaction of its own', [
    `${SQLITE}/push.ts`,
    `jobs.map((job) => pushOne(connection, job, onExisting, now))`,
    `jobs.map((job) => { connection.get('COMMIT'); connection.get('BEGIN IMMEDIATE'); return pushOne(connection, job, onExisting, now); })`,
  ]),
];
