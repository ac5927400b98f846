import type { DelayerError } from '../../core/errors.js';

export interface ConnectionOptions {
  readonly label: string;
  /** Its path. */
  readonly file: string;
  /** The store's clock, in ms since 1970. */
  readonly now: () => number;
  readonly busyDeadlineMs: number;
}

/** Callbacks of a store for its connection. Each may be absent. */
export interface ConnectionHooks {
  /** Called after each commit. */
  onCommit?: () => void;
  /** Throws when the path does not name the opened file any more. */
  assertSame?: () => void;
  /** Within a transaction: mends values that no delayer wrote. */
  mend?: () => void;
  /** Called when the path does not name the opened file any more; from then on every call fails. */
  onMoved?: () => void;
}

/** Notices when the time of day jumps: clock.ts. */
export interface ClockWatch {
  /**
   * Has the time of day jumped since this process wrote? Then a transaction is needed, even if nothing is due.
   */
  hasJumped(now: number): boolean;
  /** Within a transaction, before its work. */
  check(now: number): void;
  /** What the last check wrote was rolled back. */
  forget(): void;
  /** Jobs that expired after this time, which is no later than `now`, are not deleted. */
  trusted(now: number): number;
  /** By how much (ms) the clock has jumped lately; 0 when it has not. It writes nothing. */
  lastJump(now: number): number;
}

/** What was tried for a transaction that met a full disk. */
export interface RoomTried {
  /** Does the transaction make room? Then a part of the room is given up that is reserved for that. */
  readonly frees: boolean;
  /** Was the log moved into the file, so that it can be written from its beginning? */
  isEmptied: boolean;
  /** Was the room of the log given back? */
  isCut: boolean;
}

/** Watches the room on the disk: disk-space.ts. */
export interface SpaceWatch {
  /** Is there so little room that transactions are to be short? */
  readonly isScarce: boolean;
  /** Before a transaction. `nowMs` is on the monotonic clock. */
  look(nowMs: number): void;
  /**
   * Before the end of a transaction that adds jobs.
   * @throws DelayerError `store_full`
   */
  assertEnough(): void;
  /** Within a transaction: may it add so many bytes about jobs that are there already? */
  hasRoomFor(bytes: number): boolean;
  /** The disk is full. @returns whether it is of use to try again; in the end it is not */
  makeRoom(error: DelayerError, tried: RoomTried): boolean;
}
