/** The part of an AbortSignal that the library needs, described without the types of Node or the browser. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The longest that a Node timer can wait; longer ones fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The callbacks for each signal; a signal that nobody waits for has no entry and no listener. */
const waiting = new WeakMap<
  AbortSignalLike,
  { readonly calls: Set<() => void>; readonly listener: () => void }
>();

/**
 * Calls `call` when the signal aborts, or at once when it has aborted already; the function that it returns cancels
 * this. A signal has one listener however many callbacks there are, because Node warns of a leak when there are more
 * than ten.
 */
export function onAbort(signal: AbortSignalLike | undefined, call: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    call();
    return () => undefined;
  }
  let known = waiting.get(signal);
  if (known === undefined) {
    const calls = new Set<() => void>();
    known = { calls, listener: () => [...calls].forEach((one) => one()) };
    waiting.set(signal, known);
    signal.addEventListener('abort', known.listener);
  }
  const { calls, listener } = known;
  // A set of objects, because the same function may be registered more than once.
  const one = () => call();
  calls.add(one);
  return () => {
    calls.delete(one);
    if (calls.size > 0 || waiting.get(signal)?.calls !== calls) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', listener);
  };
}

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
    const wake = () => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(wake, Math.min(Math.max(0, ms), MAX_TIMER_MS));
    const forget = onAbort(signal, wake);
    onStart?.(wake);
  });
}

/**
 * Milliseconds on a clock that never jumps; on Linux since the start of the machine, without the time that it slept.
 * `performance.now` is not used because it loads `node:perf_hooks`, which takes a twentieth of a push from the
 * shell.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1_000_000;
}

/** Is the caller's time over, or its signal aborted? */
export function isTimeOver(limits: {
  readonly untilMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
}): boolean {
  return limits.signal?.aborted === true || (limits.untilMs !== undefined && monotonicMs() >= limits.untilMs);
}
