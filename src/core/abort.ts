/** The longest that a Node timer can wait; longer ones fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits `ms` milliseconds, or less when aborted or woken; never rejects.
 * @param register is given a function that ends the wait
 */
export function pause(
  ms: number,
  signal?: AbortSignal,
  register?: (wake: () => void) => void,
): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    // Listeners are taken off again: a worker waits a million times on the one signal that ends it.
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, Math.min(Math.max(0, ms), MAX_TIMER_MS));
    signal?.addEventListener('abort', wake);
    register?.(wake);
  });
}

/** Milliseconds on a clock that never jumps. */
export function monotonicMs(): number {
  return performance.now();
}
