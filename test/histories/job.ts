import type { JobState } from '../../src/core/job.js';

/** Where a job stands in line: before those of a later time, and within a millisecond before a later turn. */
export interface Place {
  readonly at: number;
  readonly turn: number;
}

/** Is `a` before `b`? */
export const isBefore = (a: Place, b: Place): boolean => a.at < b.at || (a.at === b.at && a.turn < b.turn);

/** The pause (ms) before the first retry; each later one is twice as long, up to `lastMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** What becomes of jobs that fail, or whose lease ends; a job's own settings come before it. */
export interface Policy {
  readonly retries: number;
  readonly backoff: Backoff;
  /** How long (ms) a dead letter is kept; 0: for ever. */
  readonly deadTtlMs: number;
}

/** A try of a job that has ended. */
export interface Attempt {
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: 'retried' | 'dead' | 'lease_ended';
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly reason?: string | undefined;
}

/** A job, wherever it is. Times are ms since 1970. */
export interface ModelJob {
  readonly id: string;
  readonly topic: string;
  body: string;
  /** Counts pushes: the older of two jobs has the smaller number. */
  number: number;
  /** Undefined where nobody wrote it down. */
  dueAt: number | undefined;
  /** When its ready lifetime is over; Infinity where it has no end. */
  expiresAt: number;
  /** The whole ready lifetime; undefined where nobody wrote it down. */
  ttlMs: number | undefined;
  /** Reservations that counted. */
  attempts: number;
  /** What it was pushed with. */
  readonly own: { readonly retries?: number | undefined; readonly backoff?: Backoff | undefined };
  /** Of its first lease, and its own for good; undefined before. */
  key: string | undefined;
  /** Its last attempts, the oldest first. */
  history: readonly Attempt[];
  /** Undefined where nobody knows it. */
  place: Place | undefined;
}

/** A consumer's hold on a job. */
export interface ModelLease {
  readonly job: ModelJob;
  /** As the store calls it. */
  name: string;
  /** Counts reservations. */
  readonly reservation: number;
  readonly number: number;
  readonly count: number;
  /** The end that its name tells. */
  readonly firstEnd: number;
  readonly since: number;
  end: number;
  /** It was extended without the others of its reservation. */
  isAlone: boolean;
  /** Of an operator: when it ends without an ack or a failure, the job is what it was before. */
  readonly isHold: boolean;
  /** Undefined: its job is tried again without end. */
  readonly policy: Policy | undefined;
  readonly holder: string | undefined;
}

/** By what a job is known that had this lease first. */
export const keyOf = (lease: string): string => lease.split('.').slice(0, 2).join('.');

/** A job that is back from its consumer while another one of its id is in line. */
export interface Waiting {
  readonly job: ModelJob;
  /** From when on its lifetime stands still. */
  readonly since: number;
  /** When it is looked at again. */
  lookAt: number;
}

export interface Letter {
  readonly job: ModelJob;
  readonly failedAt: number;
  /** Infinity: never. */
  readonly deleteAt: number;
  readonly reason: string | undefined;
}

/** A job as the views tell of it; what a view leaves out is undefined. */
export interface Seen {
  readonly id: string;
  readonly state: JobState;
  readonly topic?: string | undefined;
  readonly body?: string | undefined;
  readonly dueAt?: number | undefined;
  readonly expiresAt?: number | undefined;
  readonly attempts?: number | undefined;
  readonly lease?: string | undefined;
  readonly leaseUntil?: number | undefined;
  readonly reason?: string | undefined;
  readonly failedAt?: number | undefined;
  readonly deadUntil?: number | undefined;
  readonly readyAhead?: number | undefined;
  readonly waits?: boolean | undefined;
  readonly retries?: number | undefined;
  readonly backoff?: string | undefined;
  readonly history?: string | undefined;
  readonly leasedAt?: number | undefined;
  readonly leasedBy?: string | undefined;
  readonly key?: string | undefined;
  readonly ttlMs?: number | undefined;
  /** What its explanation claims, where it was found by its id. */
  readonly says?: string | undefined;
}
