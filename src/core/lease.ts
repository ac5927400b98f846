import { v7 as uuid } from 'uuid';
import { DelayerError } from './errors.js';
import type { Job, LeasedJob } from './job.js';

/**
 * How long (ms) pop, and a drain that prints, hold a job between reserving and acknowledging it. If the process dies
 * in between, the job is ready again after this time.
 */
export const DELIVERY_LEASE_MS = 10_000;

/** A lock expires so long (ms) after its owner last took or renewed it. */
export const LOCK_MS = 30_000;

/** The content of a lease string. ack, nack, release and extend need nothing else, in any process. */
export interface LeaseParts {
  /** Of the reservation: one call of `reserve` that answered with jobs. */
  readonly token: string;
  /** Of the job within its reservation, from 1. */
  readonly number: number;
  /** How many jobs the reservation took. */
  readonly count: number;
  /** The end of the lease when it was made; `extend` moves the end and leaves the string. */
  readonly deadlineMs: number;
}

const LEASE = /^([0-9a-f]{32}-[0-9a-f]{8,16})\.([1-9]\d{0,8})\.([1-9]\d{0,8})\.(\d{1,16})$/;

export function formatLease({ token, number, count, deadlineMs }: LeaseParts): string {
  return `${token}.${number}.${count}.${deadlineMs}`;
}

/** @throws DelayerError `usage` when the text is not a lease */
export function parseLease(text: string): LeaseParts {
  const [, token, number, count, deadline] = LEASE.exec(text) ?? [];
  if (token === undefined || deadline === undefined) {
    throw new DelayerError('usage', `${JSON.stringify(text)} is not a lease`, {
      hint: 'A lease is the "lease" of a job that was reserved.',
    });
  }
  return { token, number: Number(number), count: Number(count), deadlineMs: Number(deadline) };
}

/** The key of a job (`LeasedJob.key`), made from its first lease. */
export function firstKey(lease: string): string {
  // The lease is not parsed, because views also show leases that another writer has named.
  return lease.split('.').slice(0, -2).join('.');
}

/** Random bytes for each reservation would take a tenth of a pop. */
const PROCESS = uuid().replaceAll('-', '');
let reservations = 0;

/** Names a reservation, so that it can be asked for again when its answer was lost. */
export function newToken(): string {
  reservations += 1;
  return `${PROCESS}-${reservations.toString(16).padStart(8, '0')}`;
}

/** The job as `pop` returns it: ready, without its lease. */
export function withoutLease(leased: LeasedJob): Job {
  const { id, topic, body, dueAt, expiresAt, attempts, retries, backoff } = leased;
  const job: Job = { id, topic, body, state: 'ready', dueAt, expiresAt, attempts };
  return retries === undefined && backoff === undefined ? job : { ...job, retries, backoff };
}
