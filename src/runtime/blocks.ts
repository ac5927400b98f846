/** An input that gives nothing for so long (ms) is waited for no longer before what it has given goes on. */
const PAUSE_MS = 10;

export interface BlockSize<T> {
  /** Items of one block at most. */
  readonly items: number;
  /** Bytes of one block at most, but for a single item that has more. */
  readonly bytes?: number;
  readonly bytesOf?: (item: T) => number;
}

/**
 * Gathers items into blocks. When the input pauses, what there is goes on as it is, and an empty block
 * follows: whoever types, or pipes a log in, does not wait for a full one.
 */
export async function* inBlocks<T>(
  input: AsyncIterable<readonly T[]>,
  { items: mostItems, bytes: mostBytes = Infinity, bytesOf = () => 0 }: BlockSize<T>,
): AsyncGenerator<T[]> {
  const iterator = input[Symbol.asyncIterator]();
  let block: T[] = [];
  let bytes = 0;
  const take = (): T[] => {
    const full = block;
    block = [];
    bytes = 0;
    return full;
  };
  try {
    for (let reading = iterator.next(); ; reading = iterator.next()) {
      if (!(await settlesWithin(reading, PAUSE_MS))) {
        if (block.length > 0) yield take();
        yield [];
      }
      const read = await reading;
      if (read.done === true) break;
      for (const item of read.value) {
        const size = bytesOf(item);
        if (block.length >= mostItems || (bytes > 0 && bytes + size > mostBytes)) yield take();
        block.push(item);
        bytes += size;
      }
    }
    if (block.length > 0) yield take();
  } finally {
    await iterator.return?.();
  }
}

function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, false);
    const settled = () => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
