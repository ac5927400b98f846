import { chunks } from '../../core/chunks.js';
import { formatLease, newToken } from '../../core/lease.js';
import type { HoldResult } from '../../core/results.js';
import type { HoldParams, JobToTake } from '../../core/store.js';
import type { Connection } from './connection.js';
import { leaseJobs } from './lease.js';
import { isMeantRow, type KnownRow, leasedFinder, rowsOf } from './lookup.js';
import { HOLD } from './policy.js';
import { letLifetimeGoOn } from './return.js';
import { IN_LINE, LAST_TIME_MS, WAITING } from './rows.js';

/** Jobs that one transaction holds. */
const CHUNK_IDS = 500;

/** Leases jobs as an operator; those that one transaction takes are one reservation. */
export async function hold(connection: Connection, { jobs, ...how }: HoldParams): Promise<HoldResult[]> {
  const results: HoldResult[] = [];
  for (const chunk of chunks(jobs, CHUNK_IDS))
    results.push(...(await connection.write((now) => holdChunk(connection, chunk, how, now))));
  return results;
}

function holdChunk(
  connection: Connection,
  guards: readonly JobToTake[],
  { leaseMs, holder }: Omit<HoldParams, 'jobs'>,
  now: number,
): HoldResult[] {
  const leasedOf = leasedFinder(
    connection,
    guards.map(({ id }) => id),
  );
  const seqs: number[] = [];
  let hasExtras = false;
  const found = guards.map((guard) => {
    const rows = rowsOf(connection, guard.id, now);
    const row = rows.find(
      (one) => isToBeHeld(one) && !seqs.includes(one.seq) && isMeantRow(connection, guard, one),
    );
    if (!row)
      return { state: rows[0]?.is ?? (leasedOf(guard.id).length > 0 ? ('leased' as const) : undefined) };
    if (row.state === WAITING) letLifetimeGoOn(connection, row.seq, now);
    seqs.push(row.seq);
    hasExtras ||= row.hasExtras === 1;
    return { state: row.is, number: seqs.length };
  });
  const deadlineMs = Math.min(now + leaseMs, LAST_TIME_MS);
  const token = newToken();
  if (seqs.length > 0)
    leaseJobs(connection, seqs, {
      ...{ token, reservedAt: now, endsAt: deadlineMs, policy: HOLD, holder, hasExtras },
    });
  return found.map(({ state, number }): HoldResult => {
    if (number === undefined) return { held: false, state };
    const lease = formatLease({ token, number, count: seqs.length, deadlineMs });
    return { held: true, state, lease, leaseUntil: new Date(deadlineMs) };
  });
}

const isToBeHeld = ({ state }: KnownRow): boolean => state === IN_LINE || state === WAITING;
