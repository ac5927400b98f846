import type { Maintenance } from '../results.js';

export interface Maintainer {
  /**
   * One bounded step: due jobs become ready in order of due time, leases that have ended bring their jobs
   * back (or make dead letters of them, where their policy has no retry left), expired jobs and dead letters past their time are cleared away.
   */
  maintain(params?: MaintainParams): Promise<Maintenance>;

  /** Tells other processes that a daemon is at work here; to be repeated every few seconds. */
  announce(params: AnnounceParams): Promise<void>;

  /** Takes an announcement back. */
  retire(params: { readonly daemon: string }): Promise<void>;
}

export interface MaintainParams {
  /** Goes through all that may be left over before it answers that there is no more; else a part at a time, for ever. */
  readonly isThorough?: boolean | undefined;
  /** Removes bodies that no key has named for the grace time. */
  readonly repairs?: boolean | undefined;
  /** How long (ms) a body is not named before it counts; five minutes when absent. */
  readonly graceMs?: number | undefined;
}

export interface AnnounceParams {
  readonly daemon: string;
  /** Jobs that it has made ready since it began. */
  readonly promoted: number;
  /** How late (ms) the latest job was that it made ready since it announced itself before; absent when there was none. */
  readonly latestMs?: number | undefined;
}

/** A daemon that has not announced itself for so long is taken for gone. */
export const DAEMON_SEEN_MS = 15_000;
