import type { Lease } from '../../core/store.js';
import { bytesOf, type Session } from './session.js';

/** Leases that one transaction ends or extends. */
const CHUNK_LEASES = 500;

/** While another job of the same id is alive, a job that comes back waits this long (ms) at a time. */
const NAMESAKE_RETRY_MS = 1000;

const LEASED_JOB = `
SELECT seq, expires_at AS expiresAt, id FROM lease JOIN job USING (seq) WHERE token = ? AND number = ?`;
const RUN_OUT =
  'SELECT token, number FROM lease WHERE ends_at <= ? ORDER BY ends_at, token, number LIMIT ? + 0';
const NAMESAKE = 'SELECT seq, expires_at AS expiresAt FROM job WHERE id = ? AND leased = 0';
const FREE = 'UPDATE job SET leased = 0, attempts = attempts + ? WHERE seq = ?';
const RENEW = 'UPDATE lease SET ends_at = ? WHERE token = ? AND number = ?';
const END = 'DELETE FROM lease WHERE token = ? AND number = ?';
const NAMED = 'FROM lease WHERE token = ? AND number IN (SELECT value FROM json_each(?))';
const HELD_OF = `SELECT number ${NAMED}`;
const COUNT_HELD = `SELECT count(*) AS held ${NAMED}`;
const DELETE_JOBS = `DELETE FROM job WHERE seq IN (SELECT seq ${NAMED})`;
const END_ALL = `DELETE ${NAMED}`;
const DELETE_JOB = 'DELETE FROM job WHERE seq = ?';
const NEXT_END = 'SELECT min(ends_at) AS at FROM lease';
const HELD = 'SELECT token, number, seq, id FROM lease CROSS JOIN job USING (seq)';

/** A lease by what its name is made of: the token of the request, and the number of the job in its answer. */
interface Name {
  readonly token: string;
  readonly number: number;
}

interface HeldRow extends Name {
  readonly seq: number;
  readonly id: Uint8Array;
}

/** Names of one request stand in the order of delivery, as text as well. */
export function leaseName({ token, number }: Name): string {
  return `${token}.${String(number).padStart(4, '0')}`;
}

/** What is no name of a lease is that of none. */
function parseName(lease: string): Name {
  const dot = lease.lastIndexOf('.');
  const number = Number(lease.slice(dot + 1));
  return { token: lease.slice(0, Math.max(0, dot)), number: Number.isSafeInteger(number) ? number : 0 };
}

/** Ends leases with their jobs done; answers, in order, whether each was still held. */
export async function confirm(session: Session, leases: readonly Lease[]): Promise<boolean[]> {
  return inChunks(leases, (chunk) => session.write(() => confirmChunk(session, chunk)));
}

/** Within a transaction: a few statements for all that one request has taken. */
function confirmChunk(session: Session, chunk: readonly Lease[]): boolean[] {
  const names = chunk.map(({ lease }) => parseName(lease));
  const held = new Map<string, Set<number>>();
  for (const token of new Set(names.map((name) => name.token))) {
    const wanted = names.filter((name) => name.token === token).map(({ number }) => number);
    const numbers = JSON.stringify(wanted);
    held.set(token, heldOf(session, token, wanted, numbers));
    session.run(DELETE_JOBS, token, numbers);
    session.run(END_ALL, token, numbers);
  }
  // A lease that is named twice ends once.
  return names.map(({ token, number }) => held.get(token)?.delete(number) ?? false);
}

/** Which of these numbers are held. Mostly all are, and a count tells that at a fraction of the cost. */
function heldOf(session: Session, token: string, wanted: readonly number[], numbers: string): Set<number> {
  const { held } = session.get(COUNT_HELD, token, numbers) as { held: number };
  if (held === wanted.length) return new Set(wanted);
  return new Set((session.all(HELD_OF, token, numbers) as { number: number }[]).map(({ number }) => number));
}

/** Ends leases with their jobs ready again, where they stood, as if they had not been taken. */
export async function putBack(session: Session, leases: readonly Lease[]): Promise<void> {
  await inChunks(leases, (chunk) =>
    session.writeSoon((now) => chunk.map(({ lease }) => putBackOne(session, parseName(lease), now, false))),
  );
}

/** Lets leases that are still held end later; answers, in order, when. */
export async function extend(
  session: Session,
  leases: readonly Lease[],
  leaseMs: number,
): Promise<(Date | undefined)[]> {
  return inChunks(leases, (chunk) =>
    session.writeSoon((now) =>
      chunk.map(({ lease }) => {
        const { token, number } = parseName(lease);
        return session.run(RENEW, now + leaseMs, token, number) === 1 ? new Date(now + leaseMs) : undefined;
      }),
    ),
  );
}

/** When the next lease ends (ms); Infinity when there is none. */
export function nextLeaseEnd(session: Session): number {
  const { at } = session.get(NEXT_END) as { at: number | null };
  return at ?? Infinity;
}

/** Within a transaction: puts back up to `limit` jobs whose lease ran out. Their attempts count. */
export function reclaim(
  session: Session,
  now: number,
  limit: number,
): { returned: number; expired: number; more: boolean } {
  if (nextLeaseEnd(session) > now) return { returned: 0, expired: 0, more: false };
  const leases = session.all(RUN_OUT, now, limit) as Name[];
  const outcomes = leases.map((name) => putBackOne(session, name, now, true));
  const count = (wanted: string) => outcomes.filter((outcome) => outcome === wanted).length;
  return { returned: count('returned'), expired: count('expired'), more: leases.length === limit };
}

/** Within a transaction or not: the leases on jobs of these ids. */
export function findHeld(session: Session, ids: readonly Buffer[]): HeldRow[] {
  const wanted = new Set(ids.map((id) => id.toString('latin1')));
  const held = session.all(HELD) as HeldRow[];
  return held.filter(({ id }) => wanted.has(bytesOf(id).toString('latin1')));
}

/** Within a transaction: ends a lease and its job with it; the holder will learn that the lease is lost. */
export function removeHeld(session: Session, { token, number, seq }: Name & { seq: number }): void {
  session.run(END, token, number);
  session.run(DELETE_JOB, seq);
}

/**
 * Ends a lease with its job ready again. `handedOut` says whether the attempt counts. A job that has
 * expired is dropped. While another job of that id is alive, this one waits and is tried again later.
 */
function putBackOne(
  session: Session,
  name: Name,
  now: number,
  handedOut: boolean,
): 'returned' | 'expired' | 'waiting' | 'gone' {
  const job = session.get(LEASED_JOB, name.token, name.number) as
    { seq: number; expiresAt: number; id: Uint8Array } | undefined;
  if (!job) return 'gone';
  if (job.expiresAt <= now) {
    removeHeld(session, { ...name, seq: job.seq });
    return 'expired';
  }
  const namesake = session.get(NAMESAKE, job.id) as { seq: number; expiresAt: number } | undefined;
  if (namesake && namesake.expiresAt > now) {
    session.run(RENEW, now + NAMESAKE_RETRY_MS, name.token, name.number);
    return 'waiting';
  }
  if (namesake) session.run(DELETE_JOB, namesake.seq);
  session.run(END, name.token, name.number);
  session.run(FREE, handedOut ? 1 : 0, job.seq);
  return 'returned';
}

async function inChunks<T, R>(items: readonly T[], run: (chunk: readonly T[]) => Promise<R[]>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += CHUNK_LEASES) {
    results.push(...(await run(items.slice(i, i + CHUNK_LEASES))));
  }
  return results;
}
