import { setImmediate } from 'node:timers/promises';
import type { AbortSignalLike } from '../core/timer.js';

interface AheadParams {
  /** Requests that are under way at most. */
  readonly atOnce: number;
  /** Once it is aborted nothing more is sent; what was sent is waited for. */
  readonly signal: AbortSignalLike;
}

/**
 * Sends requests until one is answered that there is no more to do. While there is, the store has its next request at
 * hand when it has answered one: it does not wait until we have read the answer. After a failure nothing more is sent.
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
    // It is waited for in its turn; until then a failure of it is nobody's.
    answer.catch(() => undefined);
    sent.push(answer);
  };
  try {
    sendOne();
    for (let next = sent.shift(); next; next = sent.shift()) {
      if (!(await next) || signal.aborted) continue;
      sendOne();
      if (sent.length === atOnce) continue;
      // Of two requests that arrive together Redis serves nobody in between.
      await setImmediate();
      sendOne();
    }
  } finally {
    await Promise.allSettled(sent);
  }
}
