import { groupLeases, inOrderGiven, type LeaseGroup } from '../../core/lease-groups.js';
import type { ExtendParams, LeaseParams, NackParams } from '../../core/store.js';
import type { NackResult } from '../../core/results.js';
import { DelayerError } from '../../core/errors.js';
import { DEFAULT_RETRY, hasRetryLeft, pauseAfter } from '../../core/retry-policy.js';
import type { Connection } from './connection.js';
import { bury } from './dead.js';
import {
  addAttempt,
  addTo,
  type EndedJob,
  hasRoomToReturn,
  keepEnded,
  keepReleased,
  readEnded,
} from './ended-attempts.js';
import { endLeases, extendLeases } from './lease.js';
import { dropExtras } from './extras.js';
import { HOLD, policyOf } from './policy.js';
import { returnAt, returnHeld, returnToPlace } from './return.js';
import { deleteJobs, LAST_TIME_MS } from './rows.js';
import { withGrace } from './write-queue.js';

/** How many leases one transaction ends or extends; those of one reservation stay together. */
const CHUNK_LEASES = 500;

/** The reason of a dead letter for whose own there was no room. */
const NOT_KEPT = 'its reason was not kept: the disk was full';
const LATER = 'Make room on that disk: until then jobs can be taken, but those that fail stay leased.';

/** Ends leases of jobs that are done; the jobs are gone. On the disk when it returns. */
export function ack(connection: Connection, params: LeaseParams): Promise<boolean[]> {
  return byReservation(params.leases, (groups) =>
    connection.writeFreeing(() => {
      const ended = groups.map((group) => endLeases(connection, group));
      const [only] = ended;
      deleteJobs(connection, ended.length === 1 && only ? only.seqs : ended.flatMap(({ seqs }) => seqs));
      for (const { seqs, hasExtras } of ended) if (hasExtras) dropExtras(connection, seqs);
      // The agenda's times only become later by this.
      connection.agenda.keep();
      return ended.map(({ answers }) => answers);
    }, withGrace(params)),
  );
}

/** Ends leases with their jobs failed: due again later, or dead letters. On the disk when it returns. */
export function nack(connection: Connection, params: NackParams): Promise<NackResult[]> {
  return byReservation(params.leases, (groups) =>
    connection.writeFreeing(
      (now) => groups.map((group) => nackGroup(connection, group, params, now)),
      withGrace(params),
    ),
  );
}

/**
 * Within a transaction: ends leases of one reservation; each job follows its own settings, or their policy.
 */
function nackGroup(
  connection: Connection,
  group: LeaseGroup,
  { failure, jitter }: NackParams,
  now: number,
): NackResult[] {
  const ended = endLeases(connection, group);
  const policy = policyOf(ended);
  const { reason, exitCode, signalName: signal } = failure;
  const hasRetry = ({ attempt, own }: EndedJob) =>
    !failure.isDead && (!policy || hasRetryLeft(attempt, own.retries ?? policy.retries));
  const dueAfter = ({ attempt, own }: EndedJob) => {
    const backoff = own.backoff ?? policy?.backoff ?? DEFAULT_RETRY.backoff;
    return laterBy(now, failure.delayMs ?? pauseAfter(attempt, backoff, jitter));
  };
  const dead: number[] = [];
  const retried = new Map<number, number[]>();
  const results: NackResult[] = group.numbers.map(() => ({ outcome: 'not_held' }));
  const places = [...group.numbers.keys()].filter((i) => ended.answers[i]);
  const jobs = readEnded(connection, ended);
  for (const job of jobs) {
    const dueAt = hasRetry(job) ? dueAfter(job) : undefined;
    const outcome = dueAt === undefined ? 'dead' : 'retried';
    addAttempt(job, ended.reservedAt, { endedAt: now, outcome, exitCode, signal, reason });
    if (dueAt === undefined) dead.push(job.seq);
    else addTo(retried, dueAt, job.seq);
    results[places[job.at] ?? 0] = dueAt === undefined ? { outcome } : { outcome, dueAt: new Date(dueAt) };
  }
  const { deadTtlMs = policy?.deadTtlMs ?? DEFAULT_RETRY.deadTtlMs } = failure;
  assertRoom(connection, jobs.length);
  const isWhole = keepEnded(connection, jobs, dead.length * (reason?.length ?? 0));
  bury(connection, dead, { deadTtlMs, reason: isWhole ? reason : NOT_KEPT, attempts: 1 }, now);
  for (const [dueAt, seqs] of retried) returnAt(connection, seqs, dueAt, now);
  return results;
}

/**
 * Within a transaction, before it brings back so many jobs.
 * @throws DelayerError `store_full` when that would use up the room for taking jobs
 */
function assertRoom(connection: Connection, jobs: number): void {
  if (hasRoomToReturn(connection, jobs)) return;
  throw new DelayerError('store_full', `${connection.label} has no space left on its disk`, { hint: LATER });
}

/** Ends leases with their jobs in line again, as if they had not been reserved. */
export function release(connection: Connection, params: LeaseParams): Promise<boolean[]> {
  return byReservation(params.leases, (groups) =>
    connection.writeSoon(
      (now) =>
        groups.map((group) => {
          const ended = endLeases(connection, group);
          const { answers, seqs, reservedAt } = ended;
          if (ended.policy === HOLD) {
            returnHeld(connection, ended, now);
            return answers;
          }
          assertRoom(connection, seqs.length);
          keepReleased(connection, ended);
          returnToPlace(connection, seqs, { reservedAt, attempts: 0, hasExtras: true }, now);
          return answers;
        }),
      withGrace(params),
    ),
  );
}

/** Moves the ends of leases that are still held, each by itself. */
export function extend(connection: Connection, params: ExtendParams): Promise<(Date | undefined)[]> {
  const { leases, leaseMs } = params;
  return byReservation(leases, (groups) =>
    connection.writeSoon((now) => {
      const endsAt = laterBy(now, leaseMs);
      return groups.map((group) =>
        extendLeases(connection, group, endsAt).map((isHeld) => (isHeld ? new Date(endsAt) : undefined)),
      );
    }, withGrace(params)),
  );
}

const laterBy = (now: number, ms: number): number => Math.min(now + ms, LAST_TIME_MS);

/**
 * Runs a step on leases, reservation by reservation, in bounded chunks; answers in the given order.
 * @throws DelayerError `usage` when one of them is not a lease; then none was looked at
 */
async function byReservation<T>(
  leases: readonly string[],
  step: (groups: readonly LeaseGroup[]) => Promise<T[][]>,
): Promise<T[]> {
  const groups = groupLeases(leases);
  const answers: T[][] = [];
  for (let start = 0; start < groups.length;) {
    let end = start;
    for (let jobs = 0; end < groups.length && (end === start || jobs < CHUNK_LEASES); end += 1)
      jobs += groups[end]?.numbers.length ?? 0;
    answers.push(...(await step(groups.slice(start, end))));
    start = end;
  }
  return inOrderGiven(groups, answers);
}
