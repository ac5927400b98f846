import { setTimeout as delay } from 'node:timers/promises';

/** The longest that a Node timer can wait; longer ones fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Waits `ms` milliseconds, or less when aborted; never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  try {
    await delay(Math.min(Math.max(0, ms), MAX_TIMER_MS), undefined, signal ? { signal } : {});
  } catch {
    // The one way to fail is to be aborted, and then it has waited long enough.
  }
}

/** Milliseconds on a clock that never jumps. */
export function monotonicMs(): number {
  return performance.now();
}
