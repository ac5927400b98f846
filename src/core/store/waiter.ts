import type { AbortSignalLike } from '../timer.js';
import type { TopicParams } from './limits.js';

export interface Waiter {
  /**
   * Returns when a job of one of the topics may be ready, after `maxMs`, or when aborted; it may return earlier. It
   * takes nothing.
   */
  waitForReady(params: ReadyWaitParams): Promise<void>;

  /** Returns when a push may have changed the next due time, or after `maxMs`, or when aborted. */
  waitForPush(params: PushWaitParams): Promise<void>;
}

export interface WaitParams {
  readonly maxMs: number;
  readonly signal?: AbortSignalLike | undefined;
}

export interface PushWaitParams extends WaitParams {
  /** The longest wait when the store cannot report pushes by all clients; `maxMs` when absent. */
  readonly pollMs?: number | undefined;
}

export interface ReadyWaitParams extends WaitParams, TopicParams {
  /**
   * The `revision` of the pop or reserve that found nothing: a change after it ends the wait. When absent, a change
   * after the wait before.
   */
  readonly since?: number | undefined;
}
