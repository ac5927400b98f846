import type { JobState } from '../../src/core/job.js';

/** The place of a job in line, ordered by time, and within a millisecond by turn. */
export interface Place {
  readonly at: number;
  readonly turn: number;
}

export const isBefore = (a: Place, b: Place): boolean => a.at < b.at || (a.at === b.at && a.turn < b.turn);

/** The pause (ms) before the first retry; each later one is twice as long, up to `lastMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** The retry policy of a lease; a job's own settings take precedence. */
export interface Policy {
  readonly retries: number;
  readonly backoff: Backoff;
  /** How long (ms) a dead letter is kept; 0 for ever. */
  readonly deadTtlMs: number;
}

/** An attempt that has ended. */
export interface Attempt {
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: 'retried' | 'dead' | 'lease_ended';
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly reason?: string | undefined;
}

/** A job in any state. Times are ms since 1970. */
export interface ModelJob {
  readonly id: string;
  readonly topic: string;
  body: string;
  /** Counts pushes: the older of two jobs has the smaller number. */
  number: number;
  /** Undefined if it is not known. */
  dueAt: number | undefined;
  /** The end of its ready lifetime; Infinity if it never expires. */
  expiresAt: number;
  /** The whole ready lifetime; undefined if it is not known. */
  ttlMs: number | undefined;
  /** The number of reservations that counted as attempts. */
  attempts: number;
  /** The retry settings that it was pushed with. */
  readonly own: { readonly retries?: number | undefined; readonly backoff?: Backoff | undefined };
  /** The key, which its first lease gives it; undefined before. */
  key: string | undefined;
  /** Its last attempts, oldest first. */
  history: readonly Attempt[];
  /** Undefined if it is not known. */
  place: Place | undefined;
}

/** A lease of a job. */
export interface ModelLease {
  readonly job: ModelJob;
  /** The lease string of the store. */
  name: string;
  /** The number of its reservation. */
  readonly reservation: number;
  readonly number: number;
  readonly count: number;
  /** The first deadline, which is in the lease string. */
  readonly firstEnd: number;
  readonly since: number;
  end: number;
  /** Whether it was extended without the others of its reservation. */
  isAlone: boolean;
  /** Whether it is a hold of an operator, whose end leaves the job as it was before. */
  readonly isHold: boolean;
  /** Undefined if its job is retried without limit. */
  readonly policy: Policy | undefined;
  readonly holder: string | undefined;
}

/** The key of a job whose first lease this was. */
export const keyOf = (lease: string): string => lease.split('.').slice(0, 2).join('.');

/** A job that waits for a duplicate. */
export interface Waiting {
  readonly job: ModelJob;
  /** Since when its lifetime stands still. */
  readonly since: number;
  /** When it is tried again. */
  lookAt: number;
}

export interface Letter {
  readonly job: ModelJob;
  readonly failedAt: number;
  /** Infinity for never. */
  readonly deleteAt: number;
  readonly reason: string | undefined;
}

/** A job as a view shows it; fields that a view does not show are undefined. */
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
  /** What its explanation claims, if it was found by its id. */
  readonly says?: string | undefined;
}
