import type { Queue } from '../../src/core/queue.js';
import type { Store } from '../../src/core/store.js';
import type { TestClock } from '../support/clock.js';

export * from '../support/jobs.js';

/** A store under test: the same data, opened twice, to act as two processes. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly peerStore: Store;
  /** The clock that both of them go by. */
  readonly clock: TestClock;
  /** A name that nobody used before, for a topic or an id. */
  readonly name: (stem?: string) => string;
  close(): Promise<void>;
}

/** What the cases work with: fresh for each test, the clock running. */
export interface World extends Omit<StoreUnderTest, 'close'> {
  readonly queue: Queue;
  /** The queue as another process has it. */
  readonly peer: Queue;
}
