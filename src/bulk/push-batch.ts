import { inChunks } from '../core/chunks.js';
import { DelayerError } from '../core/errors.js';
import type { NewJob } from '../core/new-job.js';
import type { PushReceipt } from '../core/requests.js';
import type { Queue } from '../core/queue.js';
import type { OnExisting } from '../core/results.js';

/** A job from line `line` of the input, or the error of that line. */
export type BatchItem =
  { readonly line: number; readonly job: NewJob } | { readonly line: number; readonly error: DelayerError };

/** How one line ended. */
export type BatchResult =
  | { readonly line: number; readonly receipt: PushReceipt }
  | { readonly line: number; readonly error: DelayerError };

/** Jobs pushed with one call, and the bytes of their bodies: a store takes so many in one step. */
const CHUNK_JOBS = 250;
const CHUNK_BYTES = 1024 * 1024;
/** Chunks under way: the store works on one while the next is read and another one answered. */
const CHUNKS_IN_FLIGHT = 3;

/**
 * Pushes any number of jobs at constant memory, in order; what has come when the input is idle is pushed
 * then. A line that cannot be pushed is a result like any other; the rest goes on.
 * @throws DelayerError when the store fails: its message names the lines in question, and all results
 *   before them were given
 */
export async function* pushBatch(
  queue: Queue,
  items: AsyncIterable<readonly BatchItem[]>,
  onExisting: OnExisting,
): AsyncGenerator<BatchResult[]> {
  const inFlight: Promise<BatchResult[]>[] = [];
  let isFirst = true;
  const size = {
    items: CHUNK_JOBS,
    bytes: CHUNK_BYTES,
    bytesOf: (item: BatchItem) => ('job' in item ? item.job.body.length : 0),
  };
  for await (const chunk of inChunks(items, size)) {
    if (chunk.length === 0) {
      // The input is idle: what was pushed is answered meanwhile.
      for (const pushed of inFlight.splice(0)) yield await pushed;
      continue;
    }
    const pushed = pushChunk(queue, chunk, onExisting);
    // Its failure is thrown when its turn comes.
    pushed.catch(() => undefined);
    inFlight.push(pushed);
    // The first chunk goes alone: a script that Redis does not hold yet is sent again, behind the next.
    if (inFlight.length >= CHUNKS_IN_FLIGHT || isFirst) yield await (inFlight.shift() ?? []);
    isFirst = false;
  }
  for (const pushed of inFlight) yield await pushed;
}

async function pushChunk(
  queue: Queue,
  chunk: readonly BatchItem[],
  onExisting: OnExisting,
): Promise<BatchResult[]> {
  const jobs = chunk.flatMap((item) => ('job' in item ? [item.job] : []));
  let receipts;
  try {
    receipts = await queue.pushChecked(jobs, onExisting);
  } catch (error) {
    if (!(error instanceof DelayerError)) throw error;
    const what = error.code === 'outcome_unknown' ? 'may be pushed or not' : 'were not pushed';
    const lines = `lines ${chunk[0]?.line ?? 0} to ${chunk.at(-1)?.line ?? 0}`;
    throw new DelayerError(error.code, `${error.message}; ${lines} ${what}`, {
      hint: error.hint,
      cause: error,
    });
  }
  const answers = receipts.values();
  return chunk.map((item) => {
    if ('error' in item) return item;
    const answer = answers.next();
    if (answer.done === true)
      throw new DelayerError('internal', 'the store answered fewer pushes than it was given');
    return { line: item.line, receipt: answer.value };
  });
}
