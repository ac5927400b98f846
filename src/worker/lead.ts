import type { Handler } from './handler.js';

/** Calls that end within this (ms) are short: what waits for one of them does not wait for long. */
const SHORT_CALL_MS = 100;
/** A job that was leased ahead and could not be begun for so long (ms) is for another worker. */
export const MAX_WAIT_MS = 1000;

/**
 * Says how many jobs may be leased beyond those that can be begun at once. With none the slots of a handler stand empty
 * while the store is asked; with some, other workers may wait for a job that this one does not begin. So it is as
 * many as there are slots while calls are short, and none else.
 */
export class Lead {
  /** Calls that ended lately, one after the other, within SHORT_CALL_MS. */
  private shortCalls = 0;

  constructor(private readonly handler: Handler) {}

  get jobs(): number {
    const { concurrency, batchSize } = this.handler;
    // A batch is asked for as a whole, which makes up for the wait.
    return batchSize === 1 && this.shortCalls >= concurrency ? concurrency : 0;
  }

  onCallEnded(ms: number): void {
    this.shortCalls = ms <= SHORT_CALL_MS ? this.shortCalls + 1 : 0;
  }

  /** Jobs waited for longer than they may. */
  onWaitedTooLong(): void {
    this.shortCalls = 0;
  }
}
