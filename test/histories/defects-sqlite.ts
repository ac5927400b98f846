import { type Defect, SQLITE, sqlite } from './defect.js';

/** Other defects, on SQLite. */
export const OF_SQLITE: readonly Defect[] = [
  sqlite('ended lease not counted', 'a lease that ended does not count as an attempt', [
    `${SQLITE}/maintain.ts`,
    `{ reservedAt, attempts: 1, hasExtras: true }`,
    `{ reservedAt, attempts: 0, hasExtras: true }`,
  ]),
  sqlite('release counts as attempt', 'a release counts as an attempt', [
    `${SQLITE}/settle.ts`,
    `{ reservedAt, attempts: 0, hasExtras: true }`,
    `{ reservedAt, attempts: 1, hasExtras: true }`,
  ]),
  sqlite('retry keeps the expiry', 'a job that is retried keeps its old expiry', [
    `${SQLITE}/return.ts`,
    `expires_at = min(? + \${TTL_MS}, \${LAST_TIME_MS})\`;`,
    `expires_at = max(? + 1, expires_at)\`;`,
  ]),
  sqlite(
    'newer job overwritten',
    'a job that comes back overwrites a newer job of its id',
    [
      `${SQLITE}/return.ts`,
      `return new Set(rows.filter((row) => !isExpired(row)).map(({ seq }) => seq));`,
      `deleteJobs(connection, rows.map(({ other }) => other)); return new Set();`,
    ],
    [`${SQLITE}/return.ts`, `import { changeJobs,`, `import { deleteJobs, changeJobs,`],
  ),
  sqlite('last pushed first', 'of jobs due together, the one that was pushed last comes first', [
    `${SQLITE}/head.ts`,
    'ORDER BY place, seq LIMIT ?3 + 0',
    'ORDER BY place, seq DESC LIMIT ?3 + 0',
  ]),
  sqlite('taken as it expires', 'a job can be taken in the millisecond in which it expires', [
    `${SQLITE}/head.ts`,
    `ready = found.filter(({ expiresAt }) => expiresAt > now);`,
    `ready = found.filter(({ expiresAt }) => expiresAt >= now);`,
  ]),
  sqlite('expired job skips its topic', 'after an expired job, the next topic is served first', [
    `${SQLITE}/head.ts`,
    `if (ready.length >= limit || found.length < window)`,
    `if (ready.length > 0 || found.length < window)`,
  ]),
  sqlite('extend moves other leases', 'extending one lease moves all others of its reservation', [
    `${SQLITE}/lease.ts`,
    `if (together.size === record.seqs.filter((seq) => seq !== null).length)`,
    `if (together.size > 0)`,
  ]),
  sqlite('oldest dead letter requeued', 'a requeue takes the oldest dead letter', [
    `${SQLITE}/requeue.ts`,
    `ORDER BY failed_at DESC, seq DESC LIMIT 1`,
    `ORDER BY failed_at, seq LIMIT 1`,
  ]),
  sqlite('expired job not requeued', 'a requeue leaves expired jobs alone', [
    `${SQLITE}/requeue.ts`,
    `else if (!isExpired ||`,
    `else if (inLine !== undefined || !isExpired ||`,
  ]),
  sqlite('dead letter a millisecond too long', 'a dead letter is kept a millisecond longer', [
    `${SQLITE}/dead.ts`,
    `WHERE dead_until <= ? ORDER BY`,
    `WHERE dead_until < ? ORDER BY`,
  ]),
  sqlite('last attempt not counted', 'the attempt after which a job became a dead letter does not count', [
    `${SQLITE}/dead.ts`,
    `changeJobs(connection, BURY, seqs, attempts === 1 ? 1 : null, attempts);`,
    `changeJobs(connection, BURY, seqs, attempts === 1 ? 1 : null, 0);`,
  ]),
  sqlite(
    'pause a millisecond too long',
    'a topic is still paused in the millisecond in which its pause ends',
    [
      `${SQLITE}/pause.ts`,
      `WHERE until_at > ? OR until_at IS NULL`,
      `WHERE until_at >= ? OR until_at IS NULL`,
    ],
    [`${SQLITE}/pause.ts`, `DELETE FROM pause WHERE until_at <= ?`, `DELETE FROM pause WHERE until_at < ?`],
  ),
  sqlite('removed waiting job looked up', 'a waiting job that was removed is still looked up', [
    `${SQLITE}/remove.ts`,
    `if (row.state === WAITING) stopWaiting(connection, row.seq);`,
    `if (row.state === WAITING) void stopWaiting;`,
  ]),
  sqlite('expired job blocks its id', 'a push of the id of an expired job is refused', [
    `${SQLITE}/push.ts`,
    `const isExpired = existing.expiresAt <= now;`,
    `const isExpired = existing.expiresAt < 0 * now;`,
  ]),
  sqlite('expired jobs counted ahead', 'expired jobs are counted among those that come before a job', [
    `${SQLITE}/inspect/find.ts`,
    `ahead.jobs - expired.jobs`,
    `ahead.jobs`,
  ]),
  sqlite(
    'next event without leases',
    'the next event that a consumer is told does not include ends of leases',
    [
      `${SQLITE}/agenda.ts`,
      `return Math.min(leaseEnd, waitingAgain, ...due);`,
      `return Math.min(leaseEnd * Infinity, waitingAgain, ...due);`,
    ],
  ),
  sqlite('id 0 discarded', 'the id 0 is taken and discarded', [
    `${SQLITE}/head.ts`,
    `ready = found.filter(({ expiresAt }) => expiresAt > now);`,
    `ready = found.filter(({ expiresAt, id }) => expiresAt > now && String(id) !== '48' && bytesOf(id).toString() !== '0');`,
  ]),
  sqlite('work in hand doubled', 'a push with keep pushes an id whose job is leased', [
    `${SQLITE}/push.ts`,
    `onExisting === 'keep' ? findAway(connection, chunk) : undefined`,
    `onExisting === 'keep' ? new Set<string>() : undefined`,
  ]),
  sqlite('push not atomic', 'each job of a push of several jobs is a transaction of its own', [
    `${SQLITE}/push.ts`,
    `jobs.map((job) => pushOne(connection, job, how, now))`,
    `jobs.map((job) => { connection.get('COMMIT'); connection.get('BEGIN IMMEDIATE'); return pushOne(connection, job, how, now); })`,
  ]),
];
