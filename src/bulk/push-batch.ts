import { DelayerError } from '../core/errors.js';
import type { NewJob } from '../core/job.js';
import type { PushReceipt } from '../core/queue.js';
import type { OnExisting, Store } from '../core/store.js';
import { inBlocks } from '../core/chunks.js';

/** A job from line `line` of the input, or what was wrong with that line. */
export type BulkItem =
  { readonly line: number; readonly job: NewJob } | { readonly line: number; readonly error: DelayerError };

/** How one line ended. */
export type BulkResult =
  | { readonly line: number; readonly receipt: PushReceipt }
  | { readonly line: number; readonly error: DelayerError };

/** Jobs pushed with one call, and the bytes of their bodies: a store takes so many in one step. */
const BLOCK_JOBS = 250;
const BLOCK_BYTES = 1024 * 1024;
/** Blocks under way: the store works on one while the next is read and another one answered. */
const BLOCKS_IN_FLIGHT = 3;

/**
 * Pushes any number of jobs at constant memory, in order; what has come when the input pauses is pushed
 * then. A line that cannot be pushed is a result like
 * any other; the rest goes on.
 * @throws DelayerError when the store fails; all results before the lines in question were given
 */
export async function* pushBulk(
  store: Store,
  items: AsyncIterable<readonly BulkItem[]>,
  onExisting: OnExisting,
): AsyncGenerator<BulkResult[]> {
  const inFlight: Promise<BulkResult[]>[] = [];
  let first = true;
  const size = {
    items: BLOCK_JOBS,
    bytes: BLOCK_BYTES,
    bytesOf: (item: BulkItem) => ('job' in item ? item.job.body.length : 0),
  };
  for await (const block of inBlocks(items, size)) {
    if (block.length === 0) {
      // The input pauses: what was pushed is answered meanwhile.
      for (const pushed of inFlight.splice(0)) yield await pushed;
      continue;
    }
    const pushed = pushBlock(store, block, onExisting);
    // Its failure is heard when its turn comes.
    pushed.catch(() => undefined);
    inFlight.push(pushed);
    // The first block goes alone: a script that Redis does not hold yet is sent again, behind the next.
    if (inFlight.length >= BLOCKS_IN_FLIGHT || first) yield await (inFlight.shift() ?? []);
    first = false;
  }
  for (const pushed of inFlight) yield await pushed;
}

async function pushBlock(
  store: Store,
  block: readonly BulkItem[],
  onExisting: OnExisting,
): Promise<BulkResult[]> {
  const jobs = block.flatMap((item) => ('job' in item ? [item.job] : []));
  let results;
  try {
    results = jobs.length === 0 ? [] : await store.push(jobs, onExisting);
  } catch (error) {
    if (!(error instanceof DelayerError)) throw error;
    const what = error.code === 'outcome_unknown' ? 'may be pushed or not' : 'were not pushed';
    const lines = `lines ${block[0]?.line ?? 0} to ${block.at(-1)?.line ?? 0}`;
    throw new DelayerError(error.code, `${error.message}; ${lines} ${what}`, {
      hint: error.hint,
      cause: error,
    });
  }
  const answers = results.values();
  return block.map((item) => {
    if ('error' in item) return item;
    const answer = answers.next();
    if (answer.done === true)
      throw new DelayerError('internal', 'the store answered fewer pushes than it was given');
    return { line: item.line, receipt: { ...answer.value, id: item.job.id } };
  });
}
