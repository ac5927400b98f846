/** Cuts a list into chunks of at most `size` items. */
export function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** After an input was idle for so long (ms), its unfinished chunk is passed on. */
const IDLE_MS = 10;

export interface ChunkSize<T> {
  /** Most items of one chunk. */
  readonly items: number;
  /** Most bytes of one chunk; a larger item is a chunk of its own. */
  readonly bytes?: number;
  readonly bytesOf?: (item: T) => number;
}

/**
 * Gathers items into chunks. When the input is idle, the unfinished chunk is passed on, followed by an empty one, so
 * that somebody who types, or pipes a log in, does not wait for a full chunk.
 */
export async function* inChunks<T>(
  input: AsyncIterable<readonly T[]>,
  { items: maxItems, bytes: maxBytes = Infinity, bytesOf = () => 0 }: ChunkSize<T>,
): AsyncGenerator<T[]> {
  const iterator = input[Symbol.asyncIterator]();
  let chunk: T[] = [];
  let bytes = 0;
  let isIdle = false;
  const flush = (): T[] => {
    const full = chunk;
    chunk = [];
    bytes = 0;
    return full;
  };
  try {
    for (let reading = iterator.next(); ; reading = iterator.next()) {
      if (!(await settlesWithin(reading, IDLE_MS))) {
        isIdle = true;
        if (chunk.length > 0) yield flush();
        yield [];
      }
      const read = await reading;
      isIdle = false;
      if (read.done === true) break;
      for (const item of read.value) {
        const size = bytesOf(item);
        if (chunk.length >= maxItems || (bytes > 0 && bytes + size > maxBytes)) yield flush();
        chunk.push(item);
        bytes += size;
      }
    }
    if (chunk.length > 0) yield flush();
  } finally {
    const ended = iterator.return?.();
    // An idle input has ended when it gives the next item; a caller that has stopped iterating does not wait for
    // that.
    if (isIdle) ended?.catch(() => undefined);
    else await ended;
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
