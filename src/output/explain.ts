import type { JobRecord } from '../core/job.js';
import { MOVE_HOLDER } from '../core/transfer.js';
import { deadFor, lastAttempt } from './explain-attempts.js';
import {
  bodyGone,
  bodyIncomplete,
  distance,
  entries,
  inTheWay,
  keyInTheWay,
  NEVER,
  noEntry,
  otherTopic,
} from './explain-flaws.js';

/**
 * Explains one job in sentences: where it is and since when, why it has not been delivered, and when it will be or
 * why it never will. When the store does not know, the sentence says so. docs/commands.md lists every state with its
 * sentences, and a test produces each.
 * @param jobs all jobs of its id, as they were found together
 */
export function explain(job: JobRecord, now: Date, jobs: readonly JobRecord[] = [job]): string[] {
  const { flaw, blockedBy } = job;
  const isShared = jobs.some((other) => other !== job && isLiving(other));
  if (job.isWaiting) return waiting(job, isShared);
  if (blockedBy?.type === 'wrong_type') return inTheWay(job, blockedBy, () => inItsState(job, now, isShared));
  switch (flaw?.type) {
    case 'body_gone':
      return bodyGone(job, now);
    case 'body_incomplete':
      return bodyIncomplete(job);
    case 'no_entry':
      return noEntry(job, now);
    case 'other_topic':
      return otherTopic(job, flaw.listedIn);
    default:
      return [...inItsState(job, now, isShared), ...entries(flaw)];
  }
}

/** Does it keep others of its id from coming back? */
function isLiving({ state, isWaiting, flaw }: JobRecord): boolean {
  if (isWaiting || state === 'leased' || state === 'dead') return false;
  return state !== 'expired' || flaw?.type === 'no_entry' || flaw?.type === 'other_topic';
}

function inItsState(job: JobRecord, now: Date, isShared: boolean): string[] {
  switch (job.state) {
    case 'delayed':
      return [...delayed(job, now), ...lastAttempt(job, now)];
    case 'due':
      return [...due(job, now), ...untaken(job, now), ...lastAttempt(job, now)];
    case 'ready':
      return [...ready(job, now), ...untaken(job, now), ...lastAttempt(job, now)];
    case 'leased':
      return leased(job, now, isShared);
    case 'expired':
      return expired(job, now);
    case 'dead':
      return dead(job, now, isShared);
  }
}

function waiting({ blockedBy, isDaemonSeen }: JobRecord, isShared: boolean): string[] {
  const back = 'It is back from a consumer and waits; its ready lifetime stands still meanwhile.';
  if (blockedBy?.type === 'wrong_type') return [back, ...keyInTheWay(blockedBy)];
  return isShared
    ? [back, 'Another job of its id is in the queue; it comes back when that one is gone.']
    : [
        back,
        'The other job of its id that was in the queue is gone.',
        byMaintenance('brings it back', isDaemonSeen),
      ];
}

function delayed(job: JobRecord, now: Date): string[] {
  const { dueAt, expiresAt } = job;
  if (dueAt === undefined) return ['It is not due yet; when it is due is not known.', ...untaken(job, now)];
  const wait = distance(dueAt, now);
  if (expiresAt && expiresAt <= dueAt)
    return [`It is due in ${wait}, and its body expires before that, in ${distance(expiresAt, now)}.`, NEVER];
  return [
    dueAt > now ? `It is not due yet: it will be ready in ${wait}.` : 'It is due now.',
    ...untaken(job, now),
    ...paused(job, dueAt),
  ];
}

function due(job: JobRecord, now: Date): string[] {
  const { dueAt, isDaemonSeen } = job;
  const since = dueAt && dueAt <= now ? `It has been due for ${distance(dueAt, now)}` : 'It is due';
  return [
    `${since} and was not promoted yet.`,
    byMaintenance('makes it ready', isDaemonSeen),
    ...paused(job, now),
  ];
}

/** Who makes the job ready, as far as daemons are known. */
function byMaintenance(does: string, isDaemonSeen: boolean | undefined): string {
  const consumer = 'the next consumer of delayer that asks for a job';
  if (isDaemonSeen === undefined) return `A daemon, or ${consumer}, ${does}.`;
  return isDaemonSeen
    ? `A daemon of delayer is running, and has not reached it yet: it, or ${consumer}, ${does}.`
    : `No daemon of delayer was seen lately: an original one, or ${consumer}, ${does}.`;
}

function ready(job: JobRecord, now: Date): string[] {
  const { dueAt, readyAhead, readyAheadAtMost } = job;
  const since =
    dueAt && dueAt <= now
      ? `It is ready, and has been due for ${distance(dueAt, now)}.`
      : dueAt
        ? 'It is ready.'
        : "It is ready. Another client's daemon promoted it, so when it was due is not known.";
  const comes = (count: number) => (count === 1 ? 'job of its topic comes' : 'jobs of its topic come');
  const before =
    readyAhead === 0
      ? 'It is the next of its topic; nobody has taken it yet.'
      : readyAhead !== undefined
        ? `${readyAhead} ready ${comes(readyAhead)} before it.`
        : readyAheadAtMost !== undefined
          ? `At most ${readyAheadAtMost} ready jobs of its topic come before it.`
          : 'How many ready jobs of its topic come before it is not known.';
  return [since, before, ...paused(job, now)];
}

/** @param at when it could be taken */
function paused({ pausedUntilMs }: JobRecord, at: Date): string[] {
  if (pausedUntilMs === undefined || pausedUntilMs <= at.getTime()) return [];
  const until =
    pausedUntilMs === Infinity ? 'until it is resumed' : `until ${new Date(pausedUntilMs).toISOString()}`;
  return [`Its topic is paused ${until}: until then no consumer of delayer gets it.`];
}

function leased(job: JobRecord, now: Date, isShared: boolean): string[] {
  const { lease, leasedAt, leasedBy, leaseUntil, isDaemonSeen } = job;
  const consumer = leasedBy === undefined ? 'A consumer' : `The consumer ${leasedBy}`;
  const reservation = lease === undefined ? '' : ` (reservation ${lease.split('.')[0] ?? lease})`;
  const since = leasedAt && leasedAt <= now ? `took it ${distance(leasedAt, now)} ago and ` : '';
  const shared = isShared
    ? ['Another job of its id is in the queue: then it waits until that one is gone.']
    : [];
  if (leaseUntil && leasedBy?.startsWith(MOVE_HOLDER))
    return [...moved(leasedBy, leaseUntil, now), ...shared];
  if (leaseUntil === undefined) return [`${consumer} ${since}holds it${reservation}.`, ...shared];
  if (leaseUntil > now)
    return [
      `${consumer} ${since}holds it${reservation}.`,
      `If it is not acknowledged within ${distance(leaseUntil, now)}, it returns to the queue, or is a dead letter if no retry is left.`,
      ...shared,
    ];
  return [
    `${consumer} had it${reservation}, whose lease ended ${distance(leaseUntil, now)} ago without an acknowledgement.`,
    byMaintenance('brings it back, or makes it a dead letter if no retry is left', isDaemonSeen),
    ...shared,
  ];
}

function moved(mover: string, until: Date, now: Date): string[] {
  const end = until > now ? `in ${distance(until, now)}` : `${distance(until, now)} ago`;
  return [
    `The move ${mover} holds it, and writes it to the file of an export.`,
    `If the move was interrupted, run the same command again to continue it. The hold ends ${end}; then the job has its former state.`,
  ];
}

function expired({ body, expiresAt }: JobRecord, now: Date): string[] {
  if (body !== undefined)
    return [
      expiresAt && expiresAt <= now
        ? `Its ready lifetime ended ${distance(expiresAt, now)} ago, before anyone took it.`
        : 'Its ready lifetime has ended; it was not taken in time.',
      'It is not delivered unless it is requeued, and is soon cleared away.',
    ];
  const left = 'Its entry is in the ready list, and its body is gone';
  if (expiresAt === undefined)
    return [
      `${left}: it expired, was taken or removed by another client, or was evicted by Redis; which is not known.`,
      NEVER,
    ];
  return expiresAt <= now
    ? [`${left}. As it was promoted, its ready lifetime was to end ${distance(expiresAt, now)} ago.`, NEVER]
    : [
        `${left}, though its ready lifetime would end in ${distance(expiresAt, now)}: another client took or removed it, or Redis evicted it.`,
        NEVER,
      ];
}

function dead(job: JobRecord, now: Date, isShared: boolean): string[] {
  const { failedAt, reason, deadUntil, attempts } = job;
  const when = failedAt ? ` ${distance(failedAt, now)} ago` : '';
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return [
    `It failed permanently${when}, after ${tries}, and is kept as a dead letter.`,
    ...deadFor(job),
    reason === undefined ? 'No reason was given.' : `Reason: ${reason}`,
    deadUntil === undefined
      ? 'It is kept until it is requeued or removed.'
      : deadUntil > now
        ? `It is deleted in ${distance(deadUntil, now)} if it is not requeued.`
        : 'Its retention time has ended; the next step of maintenance deletes it.',
    ...(isShared
      ? ['Another job of its id is in the queue: it cannot be requeued before that one is gone.']
      : []),
  ];
}

/** What becomes of a job that nobody takes. */
function untaken({ expiresAt }: JobRecord, now: Date): string[] {
  if (expiresAt === undefined) return ['It never expires.'];
  return expiresAt > now
    ? [`It expires if nobody takes it within ${distance(expiresAt, now)}.`]
    : [`Its ready lifetime has ended. ${NEVER}`];
}
