import { groupLeases, inOrderGiven, type LeaseGroup } from '../../core/lease.js';
import type { ExtendParams, LeaseParams, NackParams } from '../../core/store.js';
import type { NackResult } from '../../core/results.js';
import { DEFAULT_RETRY } from '../../core/retry-policy.js';
import type { Connection } from './connection.js';
import { bury } from './dead.js';
import { endLeases, extendLeases } from './lease.js';
import { returnAt, returnToPlace } from './return.js';
import { deleteJobs, LAST_TIME_MS } from './rows.js';
import { withGrace } from './write-queue.js';

/** Leases that one transaction ends or extends, or those of one reservation. */
const CHUNK_LEASES = 500;

/** Ends leases with their jobs done and gone. On the disk when it returns. */
export function ack(connection: Connection, params: LeaseParams): Promise<boolean[]> {
  return byReservation(params.leases, (groups) =>
    connection.writeLess(() => {
      const ended = groups.map((group) => endLeases(connection, group));
      deleteJobs(
        connection,
        ended.flatMap(({ seqs }) => seqs),
      );
      return ended.map(({ answers }) => answers);
    }, withGrace(params)),
  );
}

/** Ends leases with their jobs failed: due again later, or dead letters. On the disk when it returns. */
export function nack(connection: Connection, params: NackParams): Promise<NackResult[]> {
  const { leases, failure } = params;
  const {
    isDead,
    delayMs = DEFAULT_RETRY.backoff.firstMs,
    deadTtlMs = DEFAULT_RETRY.deadTtlMs,
    reason,
  } = failure;
  return byReservation(leases, (groups) =>
    connection.writeLess(
      (now) =>
        groups.map((group) => {
          const { answers, seqs } = endLeases(connection, group);
          if (isDead) bury(connection, seqs, { deadTtlMs, reason }, now);
          else returnAt(connection, seqs, laterBy(now, delayMs), now);
          return answers.map((held) => ({ outcome: held ? (isDead ? 'dead' : 'retried') : 'not_held' }));
        }),
      withGrace(params),
    ),
  );
}

/** Ends leases with their jobs in line again, as if they had not been reserved. */
export function release(connection: Connection, params: LeaseParams): Promise<boolean[]> {
  return byReservation(params.leases, (groups) =>
    connection.writeSoon(
      (now) =>
        groups.map((group) => {
          const { answers, seqs, reservedAt } = endLeases(connection, group);
          returnToPlace(connection, seqs, { reservedAt, attempts: 0 }, now);
          return answers;
        }),
      withGrace(params),
    ),
  );
}

/** Moves the end of leases that are still held, each by itself. */
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
 * Runs a step on leases by their reservation, in bounded chunks; answers in the order given.
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
