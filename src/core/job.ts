/**
 * The words of this project.
 *
 * - job: an id, a topic and a body, each a non-empty string of bytes; it is due at a moment.
 * - topic: the name of a queue; a worker takes the jobs of one topic.
 * - delayed: not due yet. due: due, but not yet moved to the ready jobs of its topic. ready: can be taken.
 * - lease: a hold on a job that was taken and not confirmed yet; when it ends, the job is ready again.
 * - dead: its ready lifetime passed before anyone took it; it will never be delivered.
 * - ttl, ready lifetime: how long after its due time a job may wait to be taken.
 * - promote: to move a due job to the ready jobs of its topic.
 */
export type JobState = 'delayed' | 'due' | 'ready' | 'leased' | 'dead';

export const JOB_STATES: readonly JobState[] = ['delayed', 'due', 'ready', 'leased', 'dead'];

/** A job as it was taken from the queue. */
export interface Job {
  readonly id: Buffer;
  readonly topic: Buffer;
  readonly body: Buffer;
  readonly state: JobState;
  /** Absent where nobody wrote it down: another client's daemon promoted the job. */
  readonly dueAt?: Date | undefined;
  /** Absent when the job never expires: another client pushed it so. */
  readonly expiresAt?: Date | undefined;
  /** How often it was handed out, this time included. */
  readonly attempts: number;
}

/** A job in the hands of one consumer until `leaseUntil`, by the store's clock. */
export interface LeasedJob extends Job {
  readonly lease: string;
  readonly leaseUntil: Date;
}

/** A job as `inspect` sees it. What the store no longer knows of it is absent: a dead job may have lost its body. */
export interface JobRecord extends Omit<Job, 'topic' | 'body'> {
  readonly topic?: Buffer | undefined;
  readonly body?: Buffer | undefined;
  readonly lease?: string | undefined;
  readonly leaseUntil?: Date | undefined;
  /** How many ready jobs of its topic are handed out before it; absent when unknown. */
  readonly readyAhead?: number | undefined;
  /** What keeps every job of its topic from being taken, as a sentence without its full stop; absent when nothing does. */
  readonly obstacle?: string | undefined;
}

/** When a job is due: so long after the store takes it in, or at a moment of the store's clock. */
export type Due = { readonly delayMs: number } | { readonly atMs: number };

/** A job on its way into a store; checked, with its id. */
export interface NewJob {
  readonly id: Buffer;
  readonly topic: Buffer;
  readonly body: Buffer;
  readonly due: Due;
  /** Counts from the due time. */
  readonly ttlMs: number;
  /** Takes the place of `ttlMs`: a job that comes back dies when it would have died. */
  readonly expiresAtMs?: number | undefined;
}

/** The original clients' ready lifetime when none is given: a week. */
export const DEFAULT_TTL_MS = 604_800_000;

/** What Redis takes as one string, by its default `proto-max-bulk-len`. */
export const MAX_BODY_BYTES = 512 * 1024 * 1024;
