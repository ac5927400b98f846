import { setImmediate } from 'node:timers/promises';
import type { AbortSignalLike } from '../core/timer.js';

interface AheadParams {
  /** How many requests are under way at most. */
  readonly atOnce: number;
  /** Once it aborts nothing more is sent; answers to what was sent are waited for. */
  readonly signal: AbortSignalLike;
}

/**
 * Sends requests until one answers that there is no more to do. The next request is sent before the answer to the
 * one before has been read, so that the store does not wait. After a failure nothing more is sent.
 * @param send answers whether there is more to do
 * @throws the first failure, when all that was sent has ended
 */
export async function sendWhileMore(
  send: () => Promise<boolean>,
  { atOnce, signal }: AheadParams,
): Promise<void> {
  const sent: Promise<boolean>[] = [];
  const sendOne = () => {
    const answer = send();
    // Its rejection is handled when its turn comes.
    answer.catch(() => undefined);
    sent.push(answer);
  };
  try {
    sendOne();
    for (let next = sent.shift(); next; next = sent.shift()) {
      if (!(await next) || signal.aborted) continue;
      sendOne();
      if (sent.length === atOnce) continue;
      // Redis would serve no other client between two requests that arrive together.
      await setImmediate();
      sendOne();
    }
  } finally {
    await Promise.allSettled(sent);
  }
}
