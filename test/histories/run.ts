import fc from 'fast-check';
import { type Ground, openGround } from './ground.js';
import { Undecided } from './difference.js';
import { History } from './history.js';
import { shrink } from './shrink.js';
import { historiesOf, type Step, type StoreName } from './operations.js';

/** The number of histories per seed, small enough to repeat a failure from its seed within seconds. */
const HISTORIES = 50;

export interface RunOptions {
  readonly store: StoreName;
  /** The seed of the first histories; the next ones have the next seed. */
  readonly seed: number;
  /** One history of that seed, as named by a failure. */
  readonly path?: string | undefined;
  /** The approximate number of operations. */
  readonly operations: number;
  /** The number of steps between two comparisons of the views, 1 by default; with more, more histories are run. */
  readonly lookEvery?: number | undefined;
  /** Whether to search for the shortest form of a failing history. */
  readonly shrink: boolean;
  /** Ends the run after the histories of the current seed. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((operations: number) => void) | undefined;
}

export interface Failure {
  readonly seed: number;
  readonly path: string;
  /** The steps, and how the store differs from the model. */
  readonly account: string;
}

export interface Outcome {
  /** The number of operations, until a difference if there is one. */
  readonly operations: number;
  readonly histories: number;
  readonly failure?: Failure | undefined;
}

/** Runs random histories until one fails or the number of operations is reached. */
export async function runHistories(options: RunOptions): Promise<Outcome> {
  const ground = await openGround(options.store);
  try {
    return await runOn(ground, options);
  } finally {
    await ground.close();
  }
}

async function runOn(ground: Ground, options: RunOptions): Promise<Outcome> {
  const count = { operations: 0, histories: 0 };
  let failed: { steps: Step[]; failure: FailedRun } | undefined;
  const property = fc.asyncProperty(historiesOf[options.store], async (steps: Step[]) => {
    const { failure, done } = await runOne(ground, steps, options.lookEvery);
    count.histories += 1;
    for (let i = 0; i < done; i += 1)
      if ((count.operations += 1) % 1000 === 0) options.onProgress?.(count.operations);
    if (failure) failed = { steps, failure };
    return !failure;
  });
  for (let seed = options.seed; count.operations < options.operations; seed = nextSeed(seed)) {
    const path = options.path === undefined ? {} : { path: options.path };
    const { counterexamplePath } = await fc.check(property, {
      seed,
      ...path,
      numRuns: HISTORIES,
      endOnFailure: true,
    });
    if (failed) {
      const { steps, failure } = failed;
      // Comparing after each step shows a difference as soon as there is one.
      const again = async (some: readonly Step[]) => (await runOne(ground, some)).failure;
      const first = (await again(steps)) ?? failure;
      const shortest = options.shrink ? (await shrink(steps, first, again)).failure : first;
      return { ...count, failure: { seed, path: counterexamplePath ?? '', account: shortest.account } };
    }
    if (options.path !== undefined || options.signal?.aborted === true) break;
  }
  return count;
}

interface FailedRun {
  readonly account: string;
  readonly steps: number;
}

/** Runs a history on an empty store. */
async function runOne(
  ground: Ground,
  steps: readonly Step[],
  lookEvery?: number,
): Promise<{ done: number; failure?: FailedRun }> {
  await ground.empty();
  const history = new History(ground, lookEvery);
  try {
    await history.run(steps);
    return { done: history.operations };
  } catch (error) {
    if (error instanceof Error && error.cause instanceof Undecided) return { done: history.operations };
    const account = error instanceof Error ? error.message : String(error);
    return { done: history.operations, failure: { account, steps: history.operations } };
  }
}

/** Seeds are whole numbers of 32 bits. */
export const MAX_SEED = 0x7fffffff;

const nextSeed = (seed: number): number => (seed >= MAX_SEED ? 0 : seed + 1);
