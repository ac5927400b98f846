import { v7 as uuid } from 'uuid';
import { DelayerError } from './errors.js';
import type { Job, LeasedJob } from './job.js';

/**
 * How long (ms) pop and a drain that prints hold a job between reserving it and acknowledging it. A
 * process that dies in between costs a job so long a wait, and not the job.
 */
export const DELIVERY_LEASE_MS = 10_000;

/** A lock is free so long (ms) after its owner last took or renewed it. */
export const LOCK_MS = 30_000;

/** What a lease string says. The string is all that ack, nack, release and extend need, in any process. */
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

/** The key of a job (`LeasedJob.key`) whose first lease this is. */
export function firstKey(lease: string): string {
  // Not parsed: a view tells of a lease that another writer has named, too.
  return lease.split('.').slice(0, -2).join('.');
}

/** Leases of one reservation, in the order given. */
export interface LeaseGroup {
  readonly token: string;
  readonly count: number;
  readonly deadlineMs: number;
  readonly numbers: readonly number[];
  /** Where each of them stands among the leases given. */
  readonly places: readonly number[];
}

/** Are these all the leases of their reservation? Then a store may end it without reading it. */
export function isWholeReservation({ numbers, count }: LeaseGroup): boolean {
  return numbers.length === count && numbers.every((number, i) => number === i + 1);
}

/**
 * Groups leases by their reservation, in the order of the first of each.
 * @throws DelayerError `usage` when one of them is not a lease; then none was looked at
 */
export function groupLeases(leases: readonly string[]): LeaseGroup[] {
  type Group = LeaseGroup & { numbers: number[]; places: number[] };
  const groups = new Map<string, Group>();
  let last: { group: Group; prefix: string; suffix: string } | undefined;
  leases.forEach((lease, place) => {
    // Mostly the lease before is of the same reservation: to parse every one takes a tenth of an ack.
    let number = last && numberBetween(lease, last.prefix, last.suffix);
    if (!last || number === undefined) {
      const { token, count, deadlineMs, ...parts } = parseLease(lease);
      let group = groups.get(token);
      if (!group) groups.set(token, (group = { token, count, deadlineMs, numbers: [], places: [] }));
      number = parts.number;
      const prefix = `${token}.`;
      last = { group, prefix, suffix: lease.slice(prefix.length + String(number).length) };
    }
    last.group.numbers.push(number);
    last.group.places.push(place);
  });
  return [...groups.values()];
}

/** The number in a lease string that begins and ends like one that was parsed; nothing when it does not. */
function numberBetween(lease: string, prefix: string, suffix: string): number | undefined {
  if (!lease.startsWith(prefix) || !lease.endsWith(suffix)) return undefined;
  const end = lease.length - suffix.length;
  if (end - prefix.length > 9 || lease.charCodeAt(prefix.length) === ZERO) return undefined;
  let number = 0;
  for (let at = prefix.length; at < end; at += 1) {
    const digit = lease.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number === 0 ? undefined : number;
}

const ZERO = '0'.charCodeAt(0);

/** Puts the answers for groups of leases into the order in which the leases were given. */
export function inOrderGiven<T>(groups: readonly LeaseGroup[], answers: readonly (readonly T[])[]): T[] {
  const ordered: T[] = [];
  for (const [g, { places }] of groups.entries()) {
    for (const [i, place] of places.entries()) ordered[place] = answers[g]?.[i] as T;
  }
  return ordered;
}

/** Random bytes for every reservation would take a tenth of a pop. */
const PROCESS = uuid().replaceAll('-', '');
let reservations = 0;

/** Names one reservation, so that it can be asked for again when its answer was lost. */
export function newToken(): string {
  reservations += 1;
  return `${PROCESS}-${reservations.toString(16).padStart(8, '0')}`;
}

/** The job as a consumer is given it for good: ready, and nobody's lease any more. */
export function withoutLease(leased: LeasedJob): Job {
  const { id, topic, body, dueAt, expiresAt, attempts, retries, backoff } = leased;
  const job: Job = { id, topic, body, state: 'ready', dueAt, expiresAt, attempts };
  return retries === undefined && backoff === undefined ? job : { ...job, retries, backoff };
}
