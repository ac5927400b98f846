import type { Handler } from './handler.js';

/** Calls that end within this time (ms) are short, so a job that waits for one does not wait long. */
const SHORT_CALL_MS = 100;
/** A job that was leased ahead and could not be begun for so long (ms) is given back to other workers. */
export const MAX_WAIT_MS = 1000;

/**
 * Decides how many jobs are leased beyond those that can be begun at once. With none, the slots of a handler are
 * empty while the store is asked; with some, other workers may wait for a job that this one does not begin. So it is
 * as many as there are slots while calls are short, and none otherwise.
 */
export class Lead {
  /** How many calls in a row ended within SHORT_CALL_MS. */
  private shortCalls = 0;

  constructor(private readonly handler: Handler) {}

  get jobs(): number {
    const { concurrency, batchSize } = this.handler;
    // A batch is fetched as a whole, which makes up for the wait.
    return batchSize === 1 && this.shortCalls >= concurrency ? concurrency : 0;
  }

  onCallEnded(ms: number): void {
    this.shortCalls = ms <= SHORT_CALL_MS ? this.shortCalls + 1 : 0;
  }

  /** Jobs have waited too long. */
  onWaitedTooLong(): void {
    this.shortCalls = 0;
  }
}
