import { formatDuration } from '../core/duration.js';
import type { JobRecord } from '../core/job.js';

/**
 * Explains one job, in sentences: where it is and since when, why it has not been delivered, and when it
 * will be or why it never will. Where the store does not know, the sentence says so.
 */
export function explain(job: JobRecord, now: Date): string[] {
  if (job.blockedBy?.type === 'wrong_type') {
    const { key, found, wanted } = job.blockedBy;
    return [
      `It cannot move: the key ${JSON.stringify(key)} of Redis holds a ${found} where a ${wanted} belongs.`,
      'It goes on when that key is renamed or deleted.',
    ];
  }
  switch (job.state) {
    case 'delayed':
      return job.blockedBy ? waiting() : delayed(job, now);
    case 'due':
      return [...due(job, now), ...untaken(job, now)];
    case 'ready':
      return [...ready(job, now), ...untaken(job, now)];
    case 'leased':
      return leased(job, now);
    case 'expired':
      return expired(job, now);
    case 'dead':
      return dead(job, now);
  }
}

const waiting = (): string[] => [
  'It waits: another job of the same id is in the queue.',
  'It comes back when that one is gone. Its ready lifetime stands still until then.',
];

function delayed(job: JobRecord, now: Date): string[] {
  const { dueAt, expiresAt } = job;
  if (dueAt === undefined) return ['It is not due yet; when it is due is not known.', ...untaken(job, now)];
  const wait = distance(dueAt, now);
  if (expiresAt && expiresAt <= dueAt)
    return [`It is due in ${wait}, and expires before that. It will never be delivered.`];
  return [
    dueAt > now ? `It is not due yet: it will be ready in ${wait}.` : 'It is due now.',
    ...untaken(job, now),
  ];
}

function due({ dueAt }: JobRecord, now: Date): string[] {
  return [
    dueAt && dueAt <= now
      ? `It has been due for ${distance(dueAt, now)} and was not promoted yet.`
      : 'It is due and was not promoted yet.',
    'A daemon, or the next consumer that asks for a job, makes it ready.',
  ];
}

function ready({ dueAt, readyAhead }: JobRecord, now: Date): string[] {
  const since =
    dueAt && dueAt <= now
      ? `It is ready, and has been due for ${distance(dueAt, now)}.`
      : dueAt
        ? 'It is ready.'
        : "It is ready. Another client's daemon promoted it, so when it was due is not known.";
  if (readyAhead === undefined)
    return [since, 'How many ready jobs of its topic come before it is not known.'];
  if (readyAhead === 0) return [since, 'It is the next of its topic; nobody has taken it yet.'];
  const before = readyAhead === 1 ? 'job of its topic comes' : 'jobs of its topic come';
  return [since, `${readyAhead} ready ${before} before it.`];
}

function leased({ leaseUntil }: JobRecord, now: Date): string[] {
  const held = 'A consumer has it in hand.';
  if (leaseUntil === undefined) return [held];
  return leaseUntil > now
    ? [held, `It is ready again if it is not acknowledged within ${distance(leaseUntil, now)}.`]
    : [
        `Its lease ended ${distance(leaseUntil, now)} ago without an acknowledgement.`,
        'A daemon, or the next consumer that asks for a job, makes it ready again.',
      ];
}

function expired({ body, expiresAt }: JobRecord, now: Date): string[] {
  const never = 'It will never be delivered.';
  if (expiresAt && expiresAt <= now)
    return [`Its ready lifetime ended ${distance(expiresAt, now)} ago, before anyone took it.`, never];
  if (body !== undefined) return ['Its ready lifetime is over; nobody took it in time.', never];
  return [
    'Its body is gone: it expired, was taken or removed by another client, or was evicted by Redis.',
    never,
  ];
}

function dead({ failedAt, reason, deadUntil, attempts }: JobRecord, now: Date): string[] {
  const when = failedAt ? ` ${distance(failedAt, now)} ago` : '';
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return [
    `It failed for good${when}, after ${tries}, and is kept as a dead letter.`,
    reason === undefined ? 'No reason was given.' : `Reason: ${reason}`,
    deadUntil === undefined
      ? 'It is kept until it is requeued (by the library) or removed.'
      : deadUntil > now
        ? `It is deleted in ${distance(deadUntil, now)} if it is not requeued.`
        : 'Its time is over; the next step of maintenance deletes it.',
  ];
}

/** What becomes of a job that nobody takes. */
function untaken({ expiresAt, body }: JobRecord, now: Date): string[] {
  if (body === undefined) return ['Its body is gone, so that it will never be delivered.'];
  if (expiresAt === undefined) return [];
  return expiresAt > now
    ? [`It expires if nobody takes it within ${distance(expiresAt, now)}.`]
    : ['Its ready lifetime is over, so that it will never be delivered.'];
}

function distance(at: Date, now: Date): string {
  return formatDuration(Math.abs(at.getTime() - now.getTime()));
}
