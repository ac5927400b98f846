import type { JobState } from '../../core/job.js';
import type { JobToTake, RemoveParams } from '../../core/store.js';
import type { RemoveResult } from '../../core/results.js';
import { chunks } from '../../core/chunks.js';
import type { Connection } from './connection.js';
import { exhume } from './dead.js';
import { type LeasedId, revokeLease } from './lease.js';
import { isMeantLease, isMeantRow, type KnownRow, leasedFinder, rowsOf } from './lookup.js';
import { dropExtras } from './extras.js';
import { stopWaiting } from './return.js';
import { DEAD, WAITING } from './rows.js';

/** Jobs that one transaction removes. */
const CHUNK_IDS = 500;

const DELETE = 'DELETE FROM job WHERE seq = ?';

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
  // An id may have thousands of dead letters, which are removed one by one.
  const rowsById = new Map<string, KnownRow[]>();
  return guards.map((guard) => {
    const name = guard.id.toString('latin1');
    const rows = rowsById.get(name) ?? rowsOf(connection, guard.id, now);
    rowsById.set(name, rows);
    return removeOne(connection, guard, rows, leasedOf);
  });
}

/** @param rows those of the id, from which it takes what it removes */
function removeOne(
  connection: Connection,
  guard: JobToTake,
  rows: KnownRow[],
  leasedOf: (id: Buffer) => LeasedId[],
): RemoveResult {
  let removed: JobState | undefined;
  for (const row of rows.filter((one) => isMeantRow(connection, guard, one))) {
    rows.splice(rows.indexOf(row), 1);
    if (row.state === WAITING) stopWaiting(connection, row.seq);
    if (row.state === DEAD) exhume(connection, [row.seq]);
    connection.run(DELETE, row.seq);
    if (row.hasExtras === 1) dropExtras(connection, [row.seq]);
    removed ??= row.is;
  }
  // A leased job is looked for where it is meant, or where there is no other to tell of.
  const leased = guard.states.includes('leased') || rows.length === 0 ? leasedOf(guard.id) : [];
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
