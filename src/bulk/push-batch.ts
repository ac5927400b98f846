import { inChunks } from '../core/chunks.js';
import { DelayerError } from '../core/errors.js';
import type { NewJob } from '../core/new-job.js';
import type { PushReceipt } from '../core/requests.js';
import type { Queue } from '../core/queue.js';
import type { OnExisting } from '../core/results.js';
import { LineRanges } from './line-ranges.js';

/** A job from line `line` of the input, or the error of that line. */
export type BatchItem =
  { readonly line: number; readonly job: NewJob } | { readonly line: number; readonly error: DelayerError };

/** How one line ended. */
export type BatchResult =
  | { readonly line: number; readonly receipt: PushReceipt }
  | { readonly line: number; readonly error: DelayerError };

export interface BatchOptions {
  readonly onExisting: OnExisting;
  /** Is called with the results of the chunk that was under way when the caller stopped iterating. */
  readonly onUnasked?: ((results: BatchResult[]) => void) | undefined;
}

/** Jobs pushed with one call, and the bytes of their bodies: a store takes so many in one step. */
const CHUNK_JOBS = 250;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Pushes any number of jobs at constant memory, in order; what has come when the input is idle is pushed
 * then. A line that cannot be pushed is a result like any other; the rest goes on.
 *
 * One chunk is under way at a time, while the next is read and the one before is handled: of two, the store
 * could refuse the first and take the second, and the order would be lost, or an older replacement would win.
 * @throws DelayerError when the store fails: its message names the lines in question, all results before
 *   them were given, and nothing behind them was pushed
 */
export async function* pushBatch(
  queue: Queue,
  items: AsyncIterable<readonly BatchItem[]>,
  { onExisting, onUnasked }: BatchOptions,
): AsyncGenerator<BatchResult[]> {
  let underWay: Promise<BatchResult[]> | undefined;
  const size = {
    items: CHUNK_JOBS,
    bytes: CHUNK_BYTES,
    bytesOf: (item: BatchItem) => ('job' in item ? item.job.body.length : 0),
  };
  try {
    for await (const chunk of inChunks(items, size)) {
      const answered = await underWay;
      // An empty chunk: the input is idle, and what was pushed is answered meanwhile.
      underWay = chunk.length === 0 ? undefined : pushChunk(queue, chunk, onExisting);
      // Its failure is thrown when its turn comes.
      underWay?.catch(() => undefined);
      if (answered) yield answered;
    }
    const last = await underWay;
    underWay = undefined;
    if (last) yield last;
  } finally {
    const unasked = await underWay?.catch(() => undefined);
    if (unasked) onUnasked?.(unasked);
  }
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
    const lines = new LineRanges();
    for (const { line } of chunk) lines.add(line, true);
    const isUnknown = error.code === 'outcome_unknown';
    const what = isUnknown
      ? 'may have been pushed or not, and no later line was pushed'
      : 'and all later lines were not pushed';
    throw new DelayerError(error.code, `${error.message}; ${lines.toString()} ${what}`, {
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
