import type { OnEvent } from '../core/events.js';
import type { Queue } from '../core/queue.js';
import type { DrainOptions, DrainResult } from './pass.js';

export interface FollowOptions extends DrainOptions {
  readonly onEvent: OnEvent;
}

/**
 * Drains, waits for more jobs, and so on until aborted, `max` jobs are handled, or the handler takes no more.
 * A store that goes away is waited for; only the first contact has to succeed.
 */
export declare function drainFollow(queue: Queue, options: FollowOptions): Promise<DrainResult>;
