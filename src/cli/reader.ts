import { watchReader } from '../output/reader.js';
import type { OutputError } from '../output/stdout.js';
import type { Interruption } from './signals.js';

/**
 * Does work that may wait for long, and ends it when nobody reads stdout any more.
 * @throws OutputError then, as a write would
 */
export async function whileRead<T>(interruption: Interruption, work: () => Promise<T>): Promise<T> {
  let gone: OutputError | undefined;
  const endWatch = watchReader((error) => {
    gone = error;
    interruption.abort();
  });
  try {
    const result = await work();
    if (gone !== undefined) throw gone;
    return result;
  } finally {
    endWatch();
  }
}
