import type { Redis } from 'ioredis';
import { DelayerError } from '../../core/errors.js';
import { isReplyError, replyError } from './errors.js';
import { isNetworkError, NoAnswerError, unaskedReply, unreachableError } from './unreachable.js';

/**
 * Why connections broke: ioredis tells what was under way on one no more than that it did. So it is here that what a
 * request is rejected with becomes an error that says why.
 */
export class Breakages {
  private readonly causes = new WeakMap<Redis, Error>();

  constructor(private readonly label: string) {}

  /** The first cause counts: what follows comes of it. */
  note(redis: Redis, cause: Error): void {
    if (!this.causes.has(redis)) this.causes.set(redis, cause);
  }

  /** The answer; a connection on which it does not come within `timeoutMs` is broken. */
  async answered<T>(redis: Redis, answer: Promise<T>, timeoutMs: number): Promise<T> {
    const timer = setTimeout(() => {
      this.note(redis, new NoAnswerError(timeoutMs));
      redis.disconnect();
    }, timeoutMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param redis the connection on which it was thrown, where there was one */
  toDelayerError(error: unknown, redis: Redis | undefined): DelayerError {
    if (error instanceof DelayerError) return error;
    if (isReplyError(error)) return replyError(error, this.label);
    if (!isNetworkError(error)) return internalError(error);
    const cause = (redis && this.causes.get(redis)) ?? error;
    const turnedAway = unaskedReply(cause);
    return turnedAway === undefined
      ? unreachableError(cause, this.label)
      : replyError(new Error(turnedAway), this.label);
  }
}

function internalError(thrown: unknown): DelayerError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new DelayerError('internal', message, { cause: thrown });
}
