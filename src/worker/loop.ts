import type { OnEvent } from '../core/events.js';
import type { Queue } from '../core/queue.js';
import type { DrainOptions, DrainResult } from './pass.js';

export interface LoopOptions extends DrainOptions {
  /** From the start of a pass to the next. */
  readonly stepMs: number;
  /** The window: after it nothing is reserved or given to the handler. */
  readonly forMs: number;
  readonly onEvent: OnEvent;
}

/**
 * The cron loop: a pass at 0, step, 2 × step … until `forMs` are over.
 * @returns the sum of the passes
 * @throws DelayerError of the last pass, when that failed; what the handler is rejected with at once
 */
export declare function drainLoop(queue: Queue, options: LoopOptions): Promise<DrainResult>;
