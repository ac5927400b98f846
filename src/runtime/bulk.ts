import { DelayerError } from '../core/errors.js';
import type { PushReceipt, PushRequest, Queue } from '../core/queue.js';
import type { OnExisting } from '../core/store.js';

/** A job from line `line` of the input, or what was wrong with that line. */
export type BulkItem =
  | { readonly line: number; readonly request: PushRequest }
  | { readonly line: number; readonly error: DelayerError };

/** How one line ended. */
export type BulkResult =
  | { readonly line: number; readonly receipt: PushReceipt }
  | { readonly line: number; readonly error: DelayerError };

/** Jobs pushed with one call, and the bytes of their bodies: what memory holds is a few times as much. */
const BLOCK_JOBS = 250;
const BLOCK_BYTES = 1024 * 1024;
/** Blocks under way: the store works on one while the next is read and another one answered. */
const BLOCKS_IN_FLIGHT = 3;

/**
 * Pushes any number of jobs at constant memory, in order. A line that cannot be pushed is a result like
 * any other; the rest goes on.
 * @throws DelayerError when the store fails; all results before the lines in question were given
 */
export async function* pushBulk(
  queue: Queue,
  items: AsyncIterable<BulkItem>,
  onExisting: OnExisting,
): AsyncGenerator<BulkResult[]> {
  const inFlight: Promise<BulkResult[]>[] = [];
  for await (const block of blocksOf(items)) {
    const pushed = pushBlock(queue, block, onExisting);
    // Its failure is heard when its turn comes.
    pushed.catch(() => undefined);
    inFlight.push(pushed);
    // The first block goes alone: a script that Redis does not hold yet is sent again, behind the next.
    if (inFlight.length >= BLOCKS_IN_FLIGHT || block.first) yield await (inFlight.shift() ?? []);
  }
  for (const pushed of inFlight) yield await pushed;
}

interface Block {
  readonly items: BulkItem[];
  readonly first: boolean;
}

async function* blocksOf(items: AsyncIterable<BulkItem>): AsyncGenerator<Block> {
  let block: BulkItem[] = [];
  let bytes = 0;
  let first = true;
  for await (const item of items) {
    block.push(item);
    if ('request' in item) bytes += item.request.body.length;
    if (block.length < BLOCK_JOBS && bytes < BLOCK_BYTES) continue;
    yield { items: block, first };
    block = [];
    bytes = 0;
    first = false;
  }
  if (block.length > 0) yield { items: block, first };
}

async function pushBlock(queue: Queue, { items }: Block, onExisting: OnExisting): Promise<BulkResult[]> {
  const good = items.filter((item) => 'request' in item);
  const lines = `lines ${items[0]?.line ?? 0} to ${items.at(-1)?.line ?? 0}`;
  let receipts: PushReceipt[];
  try {
    receipts =
      good.length === 0
        ? []
        : await queue.pushMany(
            good.map((item) => item.request),
            onExisting,
          );
  } catch (error) {
    if (!(error instanceof DelayerError)) throw error;
    const what = error.code === 'outcome_unknown' ? 'may be pushed or not' : 'were not pushed';
    throw new DelayerError(error.code, `${error.message}; ${lines} ${what}`, {
      hint: error.hint,
      cause: error,
    });
  }
  let next = 0;
  return items.map((item) => {
    if ('error' in item) return item;
    const receipt = receipts[next++];
    if (!receipt) throw new DelayerError('internal', 'the store answered fewer pushes than it was given');
    return { line: item.line, receipt };
  });
}
