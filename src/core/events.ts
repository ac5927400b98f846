import type { DelayerError } from './errors.js';
import type { Bytes, LeasedJob } from './job.js';
import type { WrongType } from './results.js';

/**
 * What a worker or daemon reports while it runs. Values, not sentences: the command line makes sentences of them;
 * logs and metrics use the values.
 */
export type DelayerEvent =
  /**
   * The store failed; the work goes on when it is back. One event for each outage, however many tries it takes.
   */
  | { readonly type: 'store_lost'; readonly store: string; readonly error: DelayerError }
  | { readonly type: 'store_back'; readonly store: string }
  /** A pass of the cron loop failed; the next pass retries. */
  | { readonly type: 'pass_failed'; readonly error: DelayerError }
  | JobDeadEvent
  /** A pop found nothing because all topics that were given are paused. */
  | { readonly type: 'topics_paused' }
  /** So many jobs in a row have failed that the worker stops taking jobs. */
  | { readonly type: 'worker_halted'; readonly failures: number }
  /** A step of maintenance that moved something. */
  | {
      readonly type: 'maintained';
      readonly promoted: number;
      readonly reclaimed: number;
      readonly expired: number;
      readonly deleted: number;
    }
  /** Due jobs cannot be moved because of a key with a wrong type. One event when that begins. */
  | { readonly type: 'jobs_stuck'; readonly jobs: number }
  | { readonly type: 'jobs_unstuck' }
  /**
   * Ready jobs stood in their lists twice, as a daemon of the original kind leaves them. One event for each daemon
   * of delayer.
   */
  | { readonly type: 'doubled_entries'; readonly entries: number }
  /**
   * Clients at these addresses poll the store as a daemon of the original kind does. One event when the first is
   * seen, and one when none is left.
   */
  | { readonly type: 'original_daemon'; readonly addresses: readonly string[] }
  | { readonly type: 'original_daemon_gone' }
  /**
   * Keys of the store have a wrong type, and the work that needs them has to wait. One event for each key, when it
   * begins.
   */
  | { readonly type: 'wrong_types'; readonly keys: readonly WrongType[] }
  | { readonly type: 'wrong_types_over' }
  /**
   * The store's clock was set by so much (ms), ahead or back, or another server with another clock answers.
   */
  | { readonly type: 'clock_stepped'; readonly store: string; readonly byMs: number }
  /** Bodies without a key of their id were found; `bodies` is 0 when they are gone again. */
  | { readonly type: 'unnamed_bodies'; readonly bodies: number }
  /** The daemon cannot write its announcement; it works all the same. */
  | { readonly type: 'announce_failed'; readonly error: DelayerError };

/**
 * What it throws, or is rejected with, becomes a warning of the process (`DelayerWarning`, which Node prints on stderr):
 * the work that it is told of goes on, and no job is lost.
 */
export type OnEvent = (event: DelayerEvent) => void;

/** A job became a dead letter: its handler said so, no retry was left, or its lease ended once too often. */
export interface JobDeadEvent {
  readonly type: 'job_dead';
  readonly id: Bytes;
  readonly topic: Bytes;
  readonly reason?: string | undefined;
  /** Absent when the job's lease had ended. */
  readonly attempts?: number | undefined;
  readonly exitCode?: number | undefined;
  readonly signalName?: string | undefined;
}

/**
 * What becomes of each job that a worker has, by the store's answer.
 * - `job_started`: it is given to the handler.
 * - `job_settled`: its lease was ended by somebody else while it was held: by its handler, or it was removed.
 * - `job_lost`: its lease had ended before the handler did; another consumer may have it.
 */
export type JobEvent =
  | JobDeadEvent
  | {
      readonly type: 'job_started' | 'job_done' | 'job_released' | 'job_settled' | 'job_lost';
      readonly job: LeasedJob;
    }
  | {
      readonly type: 'job_retried';
      readonly job: LeasedJob;
      /** When it is due again. */
      readonly dueAt?: Date | undefined;
      readonly reason?: string | undefined;
      readonly exitCode?: number | undefined;
      readonly signalName?: string | undefined;
    };

export type OnJobEvent = (event: JobEvent) => void;
