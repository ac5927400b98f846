import type { Queue } from '../../src/core/queue.js';
import type { Store } from '../../src/core/store.js';
import type { TestClock } from '../support/clock.js';

export * from '../support/jobs.js';

/** A store under test, opened twice to act as two processes. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly peerStore: Store;
  /** The clock of both. */
  readonly clock: TestClock;
  /** Returns an unused name for a topic or an id. */
  readonly name: (stem?: string) => string;
  close(): Promise<void>;
}

/** What a case works with: made for each test, with the clock running. */
export interface World extends Omit<StoreUnderTest, 'close'> {
  readonly queue: Queue;
  /** The same queue in another process. */
  readonly peer: Queue;
}
