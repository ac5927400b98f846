import { constants } from 'node:buffer';

/** A line without its newline; its bytes are absent when it is longer than a string can be. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer | undefined;
}

const NEWLINE = 0x0a;

/**
 * Cuts a stream of bytes into lines, some at a time. It holds little more than one chunk and one line,
 * and skips a line that fits nowhere.
 */
export async function* splitLines(
  stream: AsyncIterable<Buffer>,
  longest: number = constants.MAX_STRING_LENGTH,
): AsyncGenerator<Line[]> {
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const endLine = (): Line => {
    const bytes = length > longest ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    length = 0;
    return { number: number++, bytes };
  };
  for await (const chunk of stream) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      length += end - start;
      parts.push(chunk.subarray(start, end));
      start = end + 1;
      lines.push(endLine());
    }
    if (start < chunk.length) {
      length += chunk.length - start;
      if (length > longest) parts = [];
      else parts.push(chunk.subarray(start));
    }
    if (lines.length > 0) yield lines;
  }
  if (length > 0) yield [endLine()];
}
