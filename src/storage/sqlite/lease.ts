import type { Lease } from '../../core/store.js';
import { bytesOf, type Session } from './connection.js';

/** Leases that one transaction ends or extends. */
const CHUNK_LEASES = 500;

/** While another job of the same id is alive, a job that comes back waits this long (ms) at a time. */
const NAMESAKE_RETRY_MS = 1000;

/** Leased jobs with their leases, for statements that look at many; `held.key` counts from 0. */
export const HELD_JOBS = `
lease CROSS JOIN json_each(lease.seqs) AS held CROSS JOIN job ON job.seq = held.value`;

const REQUEST = 'SELECT token, seqs FROM lease WHERE token = ?';
const RUN_OUT = 'SELECT token, seqs FROM lease WHERE ends_at <= ? ORDER BY ends_at, token LIMIT 1';
const INSERT = 'INSERT INTO lease (token, ends_at, seqs) VALUES (?, ?, ?)';
const KEEP = 'UPDATE lease SET seqs = ? WHERE token = ?';
const RENEW = 'UPDATE lease SET ends_at = ? WHERE token = ?';
const END = 'DELETE FROM lease WHERE token = ?';
const NEXT_END = 'SELECT min(ends_at) AS at FROM lease';
const HELD = `SELECT token, held.key + 1 AS number, job.id FROM ${HELD_JOBS}`;
/** Ids are unique within a request, for they were when it took its jobs. */
const COMING_BACK = `
SELECT job.seq, job.expires_at AS expiresAt, namesake.seq AS other, namesake.expires_at AS otherExpiresAt
FROM json_each(?) AS held CROSS JOIN job ON job.seq = held.value
LEFT JOIN job AS namesake ON namesake.id = job.id AND namesake.leased = 0`;

const HOLD = 'UPDATE job SET leased = 1';
const FREE = 'UPDATE job SET leased = 0';
const FREE_COUNTED = 'UPDATE job SET leased = 0, attempts = attempts + 1';
const DELETE = 'DELETE FROM job';

/** A lease by what its name is made of: the token of the request, and the number of the job in its answer. */
interface Name {
  readonly token: string;
  readonly number: number;
}

interface HeldRow extends Name {
  readonly id: Uint8Array;
}

/** What a request has in hand: the job of number 1 stands first, null in the place of a lease that has ended. */
interface Request {
  readonly token: string;
  readonly seqs: (number | null)[];
}

/** Names of one request stand in the order of delivery, as text as well. */
export function leaseName({ token, number }: Name): string {
  return `${token}.${String(number).padStart(4, '0')}`;
}

/**
 * The names of leases, in order; what is no name is that of none. Those of one request mostly stand in a
 * row: they share one text for its token, which is looked up faster than as many equal ones.
 */
function namesOf(leases: readonly Lease[]): Name[] {
  let token = '';
  return leases.map(({ lease }) => {
    const dot = Math.max(0, lease.lastIndexOf('.'));
    if (dot !== token.length || !lease.startsWith(token)) token = lease.slice(0, dot);
    const number = Number(lease.slice(dot + 1));
    return { token, number: Number.isSafeInteger(number) ? number : 0 };
  });
}

/** Within a transaction: leases jobs to a request that has none. */
export function hold(session: Session, token: string, seqs: readonly number[], endsAt: number): void {
  changeJobs(session, HOLD, seqs);
  session.run(INSERT, token, endsAt, JSON.stringify(seqs));
}

/** Within a transaction: deletes jobs, leased or not, and no lease. */
export function deleteJobs(session: Session, seqs: readonly number[]): void {
  changeJobs(session, DELETE, seqs);
}

/** Ends leases with their jobs done; answers, in order, whether each was still held. */
export async function confirm(session: Session, leases: readonly Lease[]): Promise<boolean[]> {
  return inChunks(leases, (chunk) =>
    session.write(() => {
      const { answers, parts } = release(session, chunk);
      deleteJobs(
        session,
        parts.flatMap(({ seqs }) => seqs),
      );
      return answers;
    }),
  );
}

/** Ends leases with their jobs ready again, where they stood, as if they had not been taken. */
export async function putBack(session: Session, leases: readonly Lease[]): Promise<void> {
  await inChunks(leases, (chunk) =>
    session.writeSoon((now) => {
      const { answers, parts } = release(session, chunk);
      for (const { token, seqs } of parts) comeBack(session, token, seqs, now, FREE);
      return answers;
    }),
  );
}

/**
 * Lets leases that are still held end later; answers, in order, when. All that a request has in hand
 * ends together, so extending one of its leases extends the others too.
 */
export async function extend(
  session: Session,
  leases: readonly Lease[],
  leaseMs: number,
): Promise<(Date | undefined)[]> {
  return inChunks(leases, (chunk) =>
    session.writeSoon((now) => {
      const names = namesOf(chunk);
      const requests = loadRequests(session, names);
      const held = names.map(({ token, number }) => isHeld(requests.get(token), number));
      const renewed = new Set(names.filter((_, i) => held[i]).map(({ token }) => token));
      for (const token of renewed) session.run(RENEW, now + leaseMs, token);
      return held.map((isStill) => (isStill ? new Date(now + leaseMs) : undefined));
    }),
  );
}

/** When the next lease ends (ms); Infinity when there is none. */
export function nextLeaseEnd(session: Session): number {
  const { at } = session.get(NEXT_END) as { at: number | null };
  return at ?? Infinity;
}

/**
 * Within a transaction: puts back the jobs whose lease ran out. Their attempts count. Stops after `limit`
 * jobs; a request is done whole.
 */
export function reclaim(
  session: Session,
  now: number,
  limit: number,
): { returned: number; expired: number; more: boolean } {
  const done = { returned: 0, expired: 0, more: false };
  for (let jobs = 0; nextLeaseEnd(session) <= now;) {
    if (jobs >= limit) return { ...done, more: true };
    const { token, seqs } = toRequest(session.get(RUN_OUT, now) as RequestRow);
    session.run(END, token);
    const held = seqs.filter((seq) => seq !== null);
    const part = comeBack(session, token, held, now, FREE_COUNTED);
    done.returned += part.returned;
    done.expired += part.expired;
    jobs += held.length;
  }
  return done;
}

/** Within a transaction or not: the leases on jobs of these ids. */
export function findHeld(session: Session, ids: readonly Buffer[]): HeldRow[] {
  const wanted = new Set(ids.map((id) => id.toString('latin1')));
  const held = session.all(HELD) as HeldRow[];
  return held.filter(({ id }) => wanted.has(bytesOf(id).toString('latin1')));
}

/** Within a transaction: ends leases and their jobs with them; the holders will learn that they are lost. */
export function removeHeld(session: Session, names: readonly Name[]): void {
  const { parts } = releaseNames(session, names);
  for (const { seqs } of parts) deleteJobs(session, seqs);
}

/** What is to become of jobs whose leases have just ended, by the request that held them. */
interface Part {
  readonly token: string;
  readonly seqs: number[];
}

function release(session: Session, leases: readonly Lease[]): { answers: boolean[]; parts: Part[] } {
  return releaseNames(session, namesOf(leases));
}

/**
 * Ends leases and leaves their jobs as they are. Answers, in order, whether each was held; one that is
 * named twice ends once.
 */
function releaseNames(session: Session, names: readonly Name[]): { answers: boolean[]; parts: Part[] } {
  const requests = loadRequests(session, names);
  const released = new Map<string, number[]>();
  const answers = names.map(({ token, number }) => {
    const seqs = requests.get(token)?.seqs;
    const seq = seqs?.[number - 1];
    if (!seqs || typeof seq !== 'number') return false;
    seqs[number - 1] = null;
    const part = released.get(token);
    if (part) part.push(seq);
    else released.set(token, [seq]);
    return true;
  });
  const parts = [...released].map(([token, seqs]) => ({ token, seqs }));
  for (const { token } of parts) {
    const left = requests.get(token)?.seqs ?? [];
    if (left.every((seq) => seq === null)) session.run(END, token);
    else session.run(KEEP, JSON.stringify(left), token);
  }
  return { answers, parts };
}

/**
 * Makes jobs ready again whose leases have just ended. One that has expired is dropped. While another
 * job of that id is alive, it waits under a lease of its own and is tried again later.
 */
function comeBack(
  session: Session,
  token: string,
  seqs: readonly number[],
  now: number,
  free: typeof FREE | typeof FREE_COUNTED,
): { returned: number; expired: number } {
  const jobs = session.all(COMING_BACK, JSON.stringify(seqs)) as ComingBack[];
  const expired = jobs.filter(({ expiresAt }) => expiresAt <= now);
  const alive = jobs.filter(({ expiresAt }) => expiresAt > now);
  const back = alive.filter(({ otherExpiresAt }) => otherExpiresAt === null || otherExpiresAt <= now);
  const dead = back.flatMap(({ other }) => other ?? []);
  deleteJobs(session, [...expired.map(({ seq }) => seq), ...dead]);
  changeJobs(
    session,
    free,
    back.map(({ seq }) => seq),
  );
  for (const { seq, otherExpiresAt } of alive) {
    if (otherExpiresAt === null || otherExpiresAt <= now) continue;
    // Named by its `seq`, which no other job has; one that waits again keeps its name.
    session.run(INSERT, `${token.replace(/:.*/, '')}:${seq}`, now + NAMESAKE_RETRY_MS, JSON.stringify([seq]));
  }
  return { returned: back.length, expired: expired.length };
}

interface ComingBack {
  readonly seq: number;
  readonly expiresAt: number;
  /** The job of the same id that is not leased. */
  readonly other: number | null;
  readonly otherExpiresAt: number | null;
}

interface RequestRow {
  readonly token: string;
  readonly seqs: string;
}

function toRequest({ token, seqs }: RequestRow): Request {
  return { token, seqs: JSON.parse(seqs) as (number | null)[] };
}

/** What the requests of these leases have in hand, by token. */
function loadRequests(session: Session, names: readonly Name[]): Map<string, Request> {
  const requests = new Map<string, Request>();
  for (const token of new Set(names.map((name) => name.token))) {
    const row = session.get(REQUEST, token) as RequestRow | undefined;
    if (row) requests.set(token, toRequest(row));
  }
  return requests;
}

function isHeld(request: Request | undefined, number: number): boolean {
  return typeof request?.seqs[number - 1] === 'number';
}

/**
 * Runs a statement on jobs, each given once. Those pushed in a row mostly leave in a row, and SQLite
 * changes a range in one go, where it has to note the rows of a list first.
 */
function changeJobs(session: Session, statement: string, seqs: readonly number[]): void {
  if (seqs.length === 0) return;
  const [first, last] = [Math.min(...seqs), Math.max(...seqs)];
  if (last - first + 1 === seqs.length) session.run(`${statement} WHERE seq BETWEEN ? AND ?`, first, last);
  else session.run(`${statement} WHERE seq IN (SELECT value FROM json_each(?))`, JSON.stringify(seqs));
}

async function inChunks<T, R>(items: readonly T[], run: (chunk: readonly T[]) => Promise<R[]>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += CHUNK_LEASES) {
    results.push(...(await run(items.slice(i, i + CHUNK_LEASES))));
  }
  return results;
}
