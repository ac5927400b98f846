/** What the library needs of an AbortSignal, described without Node's or the browser's types. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The longest that a Node timer can wait; longer ones fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits `ms` milliseconds, or less when aborted or woken; never rejects.
 * @param onStart is given a function that ends the wait
 */
export function sleep(
  ms: number,
  signal?: AbortSignalLike,
  onStart?: (wake: () => void) => void,
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
    onStart?.(wake);
  });
}

/** Milliseconds on a clock that never jumps. */
export function monotonicMs(): number {
  return performance.now();
}
