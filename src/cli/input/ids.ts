import { inChunks } from '../../core/chunks.js';
import { DelayerError } from '../../core/errors.js';
import { isStdin, type Line, openStdin, splitLines } from './lines.js';

/**
 * The ids on the command line, and in place of `-` those on stdin, one a line, in chunks.
 * @param literalCount how many of the last ones are ids, whatever they are
 * @param toBytes reads an id as it was typed
 * @param base64 are the lines of stdin in base64 as well?
 */
export async function* readIds(
  args: readonly string[],
  literalCount: number,
  chunkSize: number,
  toBytes: (text: string) => Buffer,
  base64: boolean,
): AsyncGenerator<Buffer[]> {
  async function* all(): AsyncGenerator<Buffer[]> {
    for (const [i, arg] of args.entries()) {
      if (!isStdin(arg) || i >= args.length - literalCount) yield [toBytes(arg)];
      else for await (const lines of splitLines(openStdin())) yield lines.flatMap(idOf);
    }
  }
  const idOf = ({ bytes }: Line): Buffer[] => {
    if (bytes === undefined) throw new DelayerError('usage', 'A line on stdin is too long for an id');
    if (bytes.length === 0) return [];
    return [base64 ? toBytes(bytes.toString()) : Buffer.from(bytes)];
  };
  for await (const ids of inChunks(all(), { items: chunkSize })) if (ids.length > 0) yield ids;
}
