import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** How long (ms) to retry; the default is long enough for a very busy machine. */
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/**
 * Awaits a condition: calls `check` until it neither throws nor returns false.
 * @returns the last result of `check`
 * @throws the last error of `check` when the time is over
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 30_000, everyMs = 5 }: Patience = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      const answer = await check();
      if (answer !== false) return answer;
      if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${check.toString()}`);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(everyMs);
  }
}

/** Returns the error with which a promise is rejected; throws if it is fulfilled. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  let answer: unknown;
  try {
    answer = await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error('rejected with a value that is not an Error', { cause: error });
  }
  throw new Error(`expected a failure, but got ${JSON.stringify(answer)}`);
}
