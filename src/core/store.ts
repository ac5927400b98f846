import type { Doctor } from './store/doctor.js';
import type { Consumer } from './store/consumer.js';
import type { Maintainer } from './store/maintainer.js';
import type { Observer } from './store/observer.js';
import type { Operator } from './store/operator.js';
import type { Producer } from './store/producer.js';
import type { Waiter } from './store/waiter.js';

export * from './store/producer.js';
export * from './store/consumer.js';
export * from './store/operator.js';
export * from './store/maintainer.js';
export * from './store/observer.js';
export * from './store/doctor.js';
export * from './store/waiter.js';
export * from './store/limits.js';

/**
 * What a store does for a queue, by role. Internal: commands, workers and the library's users call
 * `Queue`. Every call is atomic towards every other process on the same store, takes its time from the
 * store's clock, and rejects with a `DelayerError` only.
 *
 * A call never runs twice because a connection broke. Where it cannot be known whether it ran, it rejects
 * with `outcome_unknown`.
 */
export interface Store extends Producer, Consumer, Operator, Maintainer, Observer, Doctor, Waiter {
  /** The store's name for people and logs, without its password. */
  readonly label: string;

  /** True when it was created by one of its calls. Absent where a store cannot tell. */
  readonly isNew?: boolean;

  /** How often the connection to the store was re-established. Absent where there is none. */
  readonly reconnects?: number;

  /** Do due jobs have to be moved before they can be taken? Then a daemon is useful. */
  readonly needsPromotion: boolean;

  /**
   * Ends waiting calls, and closes connections and files. Closing again does nothing. No other call is under way.
   */
  close(): Promise<void>;
}
