import type { Attempt, OwnRetry } from './job.js';

/** A job taken from one store, to be put into another; checked. Times are in ms since 1970. */
export interface ImportedJob extends OwnRetry {
  readonly id: Buffer;
  readonly topic: Buffer;
  readonly body: Buffer;
  /** Now when absent. */
  readonly dueAtMs?: number | undefined;
  /** When absent: its ready lifetime after its due time; never, when it has none. */
  readonly expiresAtMs?: number | undefined;
  /** Ready lifetime; what lies between due time and expiry when absent. */
  readonly ttlMs?: number | undefined;
  readonly attempts: number;
  readonly key?: string | undefined;
  /** Oldest first. */
  readonly history?: readonly Attempt[] | undefined;
  /** It was leased when it was exported; its ready lifetime has stood still since then. */
  readonly leasedAtMs?: number | undefined;
  /**
   * It was leased, or had come back from a consumer and waited until another job of its id was gone. It waits where
   * another one of its id is in line.
   */
  readonly was?: 'leased' | 'waiting' | undefined;
  /** Present for a dead letter; without it the job is in line. */
  readonly death?: Death | undefined;
  /**
   * Its line in the file. When it is imported, the file counts as imported up to there. Needed with {@link
   * ImportProgress}.
   */
  readonly line?: number | undefined;
}

export interface Death {
  /** Now when absent. */
  readonly failedAtMs?: number | undefined;
  /** When it is deleted; never when absent. */
  readonly deadUntilMs?: number | undefined;
  readonly reason?: string | undefined;
}
