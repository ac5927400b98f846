import type { Burial, Maintenance } from '../../core/results.js';
import { MAX_HISTORY } from '../../core/job.js';
import { hasRetryLeft, type RetryPolicy } from '../../core/retry-policy.js';
import { readAgenda } from './agenda.js';
import type { Agenda } from './agenda-memory.js';
import type { MaintainParams } from '../../core/store.js';
import type { Connection } from './connection.js';
import { bury, deleteDead } from './dead.js';
import { addAttempt, addTo, type EndedJob, hasRoomToReturn, keepEnded, readEnded } from './ended-attempts.js';
import { clearExpired, KEEP_MS } from './expire.js';
import { endRecord, putOff } from './lease.js';
import { readEndedRecord } from './lease-record.js';
import { forgetLocks } from './lock.js';
import { endPauses } from './pause.js';
import { HOLD, policyOf } from './policy.js';
import { returnHeld, returnToPlace, returnWaiting } from './return.js';
import { boundedTime, bytesOf, msUntil } from './rows.js';

/** Jobs of each kind that are dealt with in one transaction: it stays under some 10 ms. */
const STEP = 500;
/** The same when there is little room on the disk: all pages that a transaction changes go to the log first. */
const SHORT_STEP = 50;

/** For how long (ms) leases go on whose jobs cannot be brought back, because the disk is full. */
const NO_ROOM_RETRY_MS = 1000;
/** As how many jobs such a lease counts: each may change two pages. */
const PUT_OFF_JOBS = 5;

const NAME = 'SELECT id, topic FROM job WHERE seq = ?';

/** The next job to be due, of all topics: two steps into the index for each topic. */
const NEXT_DUE = `
WITH RECURSIVE name (topic) AS (
  SELECT (SELECT min(topic) FROM job WHERE state = 0)
  UNION ALL
  SELECT (SELECT min(topic) FROM job WHERE state = 0 AND topic > name.topic) FROM name
  WHERE name.topic IS NOT NULL
)
SELECT ifnull(min((
  SELECT ${boundedTime('place')} FROM job WHERE state = 0 AND topic = name.topic AND place > ? ORDER BY place LIMIT 1
)), 9e999) AS at FROM name WHERE topic IS NOT NULL`;

/** What it answers where there was nothing to do. */
export const NOTHING_TO_MAINTAIN: Maintenance = {
  promoted: 0,
  stuck: 0,
  reclaimed: 0,
  expired: 0,
  deleted: 0,
  more: false,
};

/**
 * One bounded step: leases that have ended bring their jobs back, expired jobs and dead letters past their
 * time are cleared away. A job is ready when it is due, so none is promoted. It takes the write lock only
 * when there is something to do.
 */
export async function maintain(
  connection: Connection,
  { signal }: MaintainParams = {},
): Promise<Maintenance> {
  const hasWork = await connection.read(
    (now) => connection.clock?.hasJumped(now) === true || nextChore(readAgenda(connection)) <= now,
  );
  const done = hasWork
    ? await connection.writeFreeing((now) => doChores(connection, now), { signal })
    : NOTHING_TO_MAINTAIN;
  const nextInMs = await connection.read((now) => {
    const { leaseEnd, waitingAgain } = readAgenda(connection);
    const { at: due } = connection.get(NEXT_DUE, now) as { at: number };
    return msUntil(Math.min(due, leaseEnd, waitingAgain), now);
  });
  return { ...NOTHING_TO_MAINTAIN, ...done, nextInMs };
}

/** What a step has done about leases that have ended, and jobs that waited for a newer one. */
export interface Reclaimed {
  readonly reclaimed: number;
  readonly buried: readonly Burial[];
  readonly more: boolean;
}

/**
 * Within a transaction: brings back the jobs of leases that have ended, or makes dead letters of them, and brings back
 * those that waited for a newer job.
 */
export function reclaim(connection: Connection, agenda: Agenda, now: number): Reclaimed {
  const ended =
    agenda.leaseEnd <= now ? reclaimEnded(connection, now) : { reclaimed: 0, buried: [], more: false };
  if (agenda.waitingAgain > now) return ended;
  const { back, more } = returnWaiting(connection, now, stepOf(connection));
  return { ...ended, reclaimed: ended.reclaimed + back, more: ended.more || more };
}

/** As the answer of a call has them: absent when there is none. */
export const toldBurials = (buried: readonly Burial[]): { readonly buried?: readonly Burial[] } =>
  buried.length === 0 ? {} : { buried };

/** Within a transaction: what a dead letter is told by. */
export function toBurial(connection: Connection, seq: number, reason: string): Burial {
  const { id, topic } = connection.get(NAME, seq) as { id: Uint8Array; topic: Uint8Array };
  return { id: bytesOf(id), topic: bytesOf(topic), reason };
}

function nextChore({ leaseEnd, waitingAgain, expiry, deadUntil, pauseEnd }: Agenda): number {
  return Math.min(leaseEnd, waitingAgain, expiry + KEEP_MS, deadUntil, pauseEnd);
}

function doChores(
  connection: Connection,
  now: number,
): Pick<Maintenance, 'reclaimed' | 'buried' | 'expired' | 'deleted' | 'more'> {
  const { reclaimed, buried, more } = reclaim(connection, readAgenda(connection), now);
  const step = stepOf(connection);
  const expired = clearExpired(connection, now, step);
  const deleted = deleteDead(connection, now, step);
  endPauses(connection, now);
  forgetLocks(connection, now);
  const isFull = expired === step || deleted === step;
  return { reclaimed, ...toldBurials(buried), expired, deleted, more: more || isFull };
}

const stepOf = ({ space }: Connection): number => (space?.isScarce === true ? SHORT_STEP : STEP);

/**
 * Stops after a step of jobs; a reservation is done whole. On a full disk leases go on until there is room to bring back
 * their jobs.
 */
function reclaimEnded(connection: Connection, now: number): Reclaimed {
  let reclaimed = 0;
  const buried: Burial[] = [];
  const step = stepOf(connection);
  for (let jobs = 0; jobs < step;) {
    const record = readEndedRecord(connection, now);
    if (!record) return { reclaimed, buried, more: false };
    if (!hasRoomToReturn(connection, record.seqs.length)) {
      putOff(connection, record, now + NO_ROOM_RETRY_MS);
      jobs += PUT_OFF_JOBS;
      continue;
    }
    const ended = endRecord(connection, record);
    const { reservedAt, endsAt: endedAt } = ended;
    if (ended.policy === HOLD) {
      reclaimed += returnHeld(connection, ended, now);
      jobs += Math.max(1, ended.seqs.length);
      continue;
    }
    const left = readEnded(connection, ended);
    for (const job of left) addAttempt(job, reservedAt, { endedAt, outcome: 'lease_ended' });
    keepEnded(connection, left);
    const dead = buryEnded(connection, left, policyOf(ended), now);
    buried.push(...dead.values());
    const back = ended.seqs.filter((seq) => !dead.has(seq));
    reclaimed += returnToPlace(connection, back, { reservedAt, attempts: 1, hasExtras: true }, now);
    jobs += Math.max(1, ended.seqs.length);
  }
  return { reclaimed, buried, more: readAgenda(connection).leaseEnd <= now };
}

/** Makes dead letters of the jobs that have no retry left. @returns what is told of them, by number */
function buryEnded(
  connection: Connection,
  jobs: readonly EndedJob[],
  policy: RetryPolicy | undefined,
  now: number,
): Map<number, Burial> {
  const burials = new Map<number, Burial>();
  if (!policy) return burials;
  const byReason = new Map<string, number[]>();
  for (const { seq, attempt, own, past } of jobs) {
    if (hasRetryLeft(attempt, own.retries ?? policy.retries)) continue;
    const times = past.slice(-MAX_HISTORY).filter(({ outcome }) => outcome === 'lease_ended').length;
    const reason = `its lease ended ${times === 1 ? 'once' : `${times} times`}`;
    addTo(byReason, reason, seq);
    burials.set(seq, toBurial(connection, seq, reason));
  }
  for (const [reason, seqs] of byReason)
    bury(connection, seqs, { deadTtlMs: policy.deadTtlMs, reason, attempts: 1 }, now);
  return burials;
}
