import { setTimeout as sleep } from 'node:timers/promises';

export interface Patience {
  /** How long (ms) to go on trying: by default as long as even a machine that is very busy needs. */
  readonly withinMs?: number;
  readonly everyMs?: number;
}

/**
 * Awaits a condition instead of sleeping: calls `check` until it neither throws nor answers false.
 * @returns what `check` answered at last
 * @throws what `check` threw last, when the time is over
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

/** The error that a promise is rejected with; an error of its own when it is fulfilled. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  let answer: unknown;
  try {
    answer = await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error('rejected with something that is no error', { cause: error });
  }
  throw new Error(`expected a failure, and it answered ${JSON.stringify(answer)}`);
}
