import type { JobState } from '../../core/job.js';
import type { JobToTake, RemoveParams } from '../../core/store.js';
import type { RemoveResult } from '../../core/results.js';
import { chunks } from '../../core/chunks.js';
import type { Connection } from './connection.js';
import { exhume } from './dead.js';
import { type LeasedId, revokeLease } from './lease.js';
import { isMeantLease, isMeantRow, leasedFinder, rowsOf } from './lookup.js';
import { dropExtras } from './extras.js';
import { stopWaiting } from './return.js';
import { DEAD, WAITING } from './rows.js';

/** Jobs that one transaction removes. */
const CHUNK_IDS = 500;

const DELETE = 'DELETE FROM job WHERE seq = ?';
const FAILED_AT = 'SELECT failed_at AS failedAt FROM dead WHERE seq = ?';

/** Removes the jobs that are what is believed of them; where several have one id, all that are. */
export async function remove(connection: Connection, { jobs }: RemoveParams): Promise<RemoveResult[]> {
  const results: RemoveResult[] = [];
  for (const chunk of chunks(jobs, CHUNK_IDS))
    results.push(...(await connection.writeFreeing((now) => removeChunk(connection, chunk, now))));
  return results;
}

function removeChunk(connection: Connection, guards: readonly JobToTake[], now: number): RemoveResult[] {
  const leasedOf = leasedFinder(
    connection,
    guards.map((guard) => guard.id),
  );
  return guards.map((guard) => removeOne(connection, guard, leasedOf, now));
}

function removeOne(
  connection: Connection,
  guard: JobToTake,
  leasedOf: (id: Buffer) => LeasedId[],
  now: number,
): RemoveResult {
  let removed: JobState | undefined;
  const { id } = guard;
  const rows = rowsOf(connection, id, now);
  for (const row of rows) {
    if (!isMeantRow(connection, guard, row) || !hasFailedAt(connection, guard, row)) continue;
    if (row.state === WAITING) stopWaiting(connection, row.seq);
    if (row.state === DEAD) exhume(connection, [row.seq]);
    connection.run(DELETE, row.seq);
    if (row.hasExtras === 1) dropExtras(connection, [row.seq]);
    removed ??= row.is;
  }
  // A leased job is looked for where it is meant, or where there is no other to tell of.
  const leased = guard.states.includes('leased') || rows.length === 0 ? leasedOf(id) : [];
  for (const lease of leased.filter((job) => isMeantLease(connection, guard, job))) {
    revokeLease(connection, lease);
    connection.run(DELETE, lease.seq);
    dropExtras(connection, [lease.seq]);
    leased.splice(leased.indexOf(lease), 1);
    removed ??= 'leased';
  }
  if (removed !== undefined) return { removed: true, state: removed };
  return { removed: false, state: rows[0]?.is ?? (leased.length > 0 ? 'leased' : undefined) };
}

/** Did a dead letter fail when it is believed to? Any other job is not asked. */
function hasFailedAt(
  connection: Connection,
  { failedAt }: Pick<JobToTake, 'failedAt'>,
  { seq, state }: { readonly seq: number; readonly state: number },
): boolean {
  if (failedAt === undefined || state !== DEAD) return true;
  const row = connection.get(FAILED_AT, seq) as { failedAt: number } | undefined;
  return row?.failedAt === failedAt.getTime();
}
