import type { Attempt, OwnRetry } from './job.js';

/** A job as it was in a store, on its way into another one; checked. Times are in ms since 1970. */
export interface ImportedJob extends OwnRetry {
  readonly id: Buffer;
  readonly topic: Buffer;
  readonly body: Buffer;
  /** Now when absent. */
  readonly dueAtMs?: number | undefined;
  /** Absent: its ready lifetime after its due time; never where that is absent, too. */
  readonly expiresAtMs?: number | undefined;
  /** Ready lifetime; what lies between due time and expiry when absent. */
  readonly ttlMs?: number | undefined;
  readonly attempts: number;
  readonly key?: string | undefined;
  /** Oldest first. */
  readonly history?: readonly Attempt[] | undefined;
  /** It was in a consumer's hands when it was exported; its ready lifetime stands still since then. */
  readonly leasedAtMs?: number | undefined;
  /** It was back from a consumer, and waited until another job of its id was gone. */
  readonly isWaiting?: boolean | undefined;
  /** Of a dead letter; any other job is in line. */
  readonly death?: Death | undefined;
  /** Where it stands in its file; the file is done up to there with it. Needed with {@link ImportProgress}. */
  readonly line?: number | undefined;
}

export interface Death {
  /** Now when absent. */
  readonly failedAtMs?: number | undefined;
  /** When it is deleted; never when absent. */
  readonly deadUntilMs?: number | undefined;
  readonly reason?: string | undefined;
}
