import { DelayerError } from '../../core/errors.js';
import { readItems } from './arguments.js';
import type { Line } from './lines.js';

/**
 * The ids on the command line, and in place of `-` those on stdin, one a line, in chunks.
 * @param literalCount how many of the last arguments are ids even where one is `-`
 * @param toBytes reads an id as it was typed
 * @param base64 are the lines of stdin in base64 as well?
 */
export function readIds(
  args: readonly string[],
  literalCount: number,
  chunkSize: number,
  toBytes: (text: string) => Buffer,
  base64: boolean,
): AsyncGenerator<Buffer[]> {
  const ofLine = ({ bytes }: Line): Buffer | undefined => {
    if (bytes === undefined) throw new DelayerError('usage', 'A line on stdin is too long for an id');
    if (bytes.length === 0) return undefined;
    return base64 ? toBytes(bytes.toString()) : Buffer.from(bytes);
  };
  return readItems({ args, literalCount, chunkSize, ofArgument: toBytes, ofLine });
}
