import type { JobState } from '../../core/job.js';
import type { JobGuard, RemoveParams } from '../../core/store.js';
import type { RemoveResult } from '../../core/results.js';
import { chunks } from '../../core/chunks.js';
import type { Connection } from './connection.js';
import { exhume } from './dead.js';
import { findLeased, type LeasedId, revokeLease } from './lease.js';
import { dropNotes } from './note.js';
import { stopWaiting } from './return.js';
import { DEAD, DUE_AT, IN_LINE, stateInLine, WAITING } from './rows.js';

/** Jobs that one transaction removes. */
const CHUNK_IDS = 500;

const COLUMNS = `seq, state, place, ${DUE_AT} AS dueAt, expires_at AS expiresAt, noted IS 1 AS isNoted`;
const BY_ID = `
SELECT ${COLUMNS} FROM job WHERE id = ?1 AND state = ${IN_LINE}
UNION ALL SELECT ${COLUMNS} FROM job WHERE id = ?1 AND state > 1 AND state <= ${DEAD}`;
const DELETE = 'DELETE FROM job WHERE seq = ?';

interface Row {
  readonly seq: number;
  readonly state: number;
  readonly place: number;
  readonly dueAt: number;
  readonly expiresAt: number;
  readonly isNoted: 0 | 1;
}

/** Removes the jobs that are what is believed of them; where several have one id, all that are. */
export async function remove(connection: Connection, { jobs }: RemoveParams): Promise<RemoveResult[]> {
  const results: RemoveResult[] = [];
  for (const chunk of chunks(jobs, CHUNK_IDS))
    results.push(...(await connection.writeLess((now) => removeChunk(connection, chunk, now))));
  return results;
}

function removeChunk(connection: Connection, guards: readonly JobGuard[], now: number): RemoveResult[] {
  // All leases have to be looked through, so it is done once, and only when it has to be.
  let leased: Map<string, LeasedId[]> | undefined;
  const leasedOf = (id: Buffer): LeasedId[] => {
    leased ??= findLeased(
      connection,
      guards.map((guard) => guard.id),
    );
    return leased.get(id.toString('latin1')) ?? [];
  };
  return guards.map((guard) => removeOne(connection, guard, leasedOf, now));
}

function removeOne(
  connection: Connection,
  { id, states, dueAt }: JobGuard,
  leasedOf: (id: Buffer) => LeasedId[],
  now: number,
): RemoveResult {
  const isMeant = (state: JobState, job: { readonly dueAt: number }) =>
    states.includes(state) && (dueAt === undefined || job.dueAt === dueAt.getTime());
  let removed: JobState | undefined;
  const rows = (connection.all(BY_ID, id) as Row[]).map((row) => ({ ...row, is: stateOf(row, now) }));
  for (const row of rows) {
    if (!isMeant(row.is, row)) continue;
    if (row.state === WAITING) stopWaiting(connection, row.seq);
    if (row.state === DEAD) exhume(connection, [row.seq]);
    connection.run(DELETE, row.seq);
    if (row.isNoted === 1) dropNotes(connection, [row.seq]);
    removed ??= row.is;
  }
  // A leased job is looked for where it is meant, or where there is no other to tell of.
  const leased = states.includes('leased') || rows.length === 0 ? leasedOf(id) : [];
  for (const lease of leased.filter((job) => isMeant('leased', job))) {
    revokeLease(connection, lease);
    connection.run(DELETE, lease.seq);
    dropNotes(connection, [lease.seq]);
    leased.splice(leased.indexOf(lease), 1);
    removed ??= 'leased';
  }
  if (removed !== undefined) return { removed: true, state: removed };
  return { removed: false, state: rows[0]?.is ?? (leased.length > 0 ? 'leased' : undefined) };
}

function stateOf(row: Row, now: number): JobState {
  if (row.state === IN_LINE) return stateInLine(row, now);
  return row.state === DEAD ? 'dead' : 'delayed';
}
