import type { Maintenance } from '../results.js';
import type { AbortSignalLike } from '../timer.js';

export interface Maintainer {
  /**
   * One bounded step: due jobs become ready in order of due time, leases that have ended bring their jobs back (or
   * make dead letters of them, when their policy leaves no retry), expired jobs are cleared away, and dead letters
   * are deleted when their time is over.
   */
  maintain(params?: MaintainParams): Promise<Maintenance>;

  /** Announces to other processes that a daemon is at work; to be repeated every few seconds. */
  announce(params: AnnounceParams): Promise<void>;

  /** Takes an announcement back. */
  retire(params: { readonly daemon: string }): Promise<void>;
}

export interface MaintainParams {
  /**
   * True: goes through all possible leftovers before it answers that there is no more. False: looks at a part of
   * them in each step, and never ends.
   */
  readonly isThorough?: boolean | undefined;
  /** Removes bodies that no key has named for the grace time. */
  readonly repairs?: boolean | undefined;
  /** For how long (ms) no key must have named a body before it is removed; five minutes when absent. */
  readonly graceMs?: number | undefined;
  /** Ends a step that waits for other processes: what it did not do is done by the next one. */
  readonly signal?: AbortSignalLike | undefined;
}

export interface AnnounceParams {
  readonly daemon: string;
  /** Jobs that it has made ready since it began. */
  readonly promoted: number;
  /**
   * How late (ms) the latest job was that it made ready since its last announcement; absent when there was none.
   */
  readonly latestMs?: number | undefined;
}

/** A daemon that has not announced itself for so long counts as gone. */
export const DAEMON_SEEN_MS = 15_000;
