export interface ConnectionOptions {
  readonly label: string;
  /** Its path. */
  readonly file: string;
  /** The store's clock, in ms since 1970. */
  readonly now: () => number;
  readonly busyDeadlineMs: number;
}

/** What the store has to say to its connection. Each may be absent. */
export interface ConnectionHooks {
  /** Called after each commit. */
  onCommit?: () => void;
  /** Throws when the file is not the one any more that was opened. */
  assertSame?: () => void;
  /** Within a transaction: mends values that no delayer wrote. */
  mend?: () => void;
  /** Called when the file is not the one any more that was opened: every call fails from then on. */
  onMoved?: () => void;
}

/** Notices when the time of day jumps: clock.ts. */
export interface ClockWatch {
  /** Has the time of day jumped since this process wrote? Then a transaction is of use, whatever waits. */
  hasJumped(now: number): boolean;
  /** Within a transaction, before its work. */
  check(now: number): void;
  /** What the last check has written was rolled back. */
  forget(): void;
  /** What has expired after this time, which is no later than `now`, is not deleted. */
  trusted(now: number): number;
  /** By how much (ms) the clock has jumped lately; 0 when it has not. It writes nothing. */
  lastJump(now: number): number;
}

/** Looks after the room on the disk: disk-space.ts. */
export interface SpaceWatch {
  /** Before a transaction. `nowMs` is on the monotonic clock. */
  look(nowMs: number): void;
  /**
   * Before the end of a transaction that adds jobs.
   * @throws DelayerError `store_full`
   */
  assertEnough(): void;
  /** The disk is full. @returns whether it is of use to try again */
  makeRoom(mayUseSpare: boolean): boolean;
}
