import { inChunks } from '../../core/chunks.js';
import { isStdin, type Line, openStdin, splitLines } from './lines.js';

/** How to read the items that are given as arguments and, in the place of `-`, as lines on stdin. */
export interface Reading<T> {
  readonly args: readonly string[];
  /** How many of the last arguments are items whatever they are, because they stand behind `--`. */
  readonly literalCount: number;
  readonly chunkSize: number;
  readonly ofArgument: (arg: string) => T;
  /** Undefined for an empty line. */
  readonly ofLine: (line: Line) => T | undefined;
}

/** Reads items in chunks; when stdin is idle, an unfinished chunk is passed on. */
export async function* readItems<T>(reading: Reading<T>): AsyncGenerator<T[]> {
  const { args, chunkSize, ofLine } = reading;
  async function* all(): AsyncGenerator<T[]> {
    for (const [i, arg] of args.entries()) {
      if (!readsStdin(reading, i)) yield [reading.ofArgument(arg)];
      else
        for await (const lines of splitLines(openStdin())) {
          yield lines.flatMap((line) => ofLine(line) ?? []);
        }
    }
  }
  for await (const items of inChunks(all(), { items: chunkSize })) if (items.length > 0) yield items;
}

/** Does argument `i` stand for stdin? */
export function readsStdin(
  { args, literalCount }: Pick<Reading<unknown>, 'args' | 'literalCount'>,
  i: number,
): boolean {
  return isStdin(args[i] ?? '') && i < args.length - literalCount;
}
