import type { Sink } from './sink.js';

const NEWLINE = 0x0a;
const NEWLINE_BYTES = Buffer.from('\n');

/**
 * The longest line (bytes) that is kept until it is whole; a longer one is broken. So a handler that writes a
 * gigabyte without a newline takes no more memory than this, and does not delay others.
 */
export const MAX_LINE_BYTES = 1024 * 1024;

/** Passes bytes on in whole lines, so that lines of several writers never mix. */
export class Lines {
  /** The beginning of a line that has not ended yet. */
  private rest: Buffer[] = [];
  private size = 0;

  constructor(
    private readonly sink: Sink,
    /** Put in front of each line. */
    private readonly tag?: Buffer,
  ) {}

  /** @returns nothing, or a promise that resolves when more may come */
  write(chunk: Buffer): Promise<void> | undefined {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    const lines = end === 0 ? undefined : this.take(chunk.subarray(0, end));
    if (end < chunk.length) this.keep(chunk.subarray(end));
    if (this.size < MAX_LINE_BYTES) return lines && this.pass(lines);
    const broken = this.take(NEWLINE_BYTES);
    return this.pass(lines === undefined ? broken : Buffer.concat([lines, broken]));
  }

  /** Ends a last line that has no newline. */
  end(): void {
    if (this.size > 0) void this.pass(this.take(NEWLINE_BYTES));
  }

  private keep(rest: Buffer): void {
    this.rest.push(rest);
    this.size += rest.length;
  }

  private take(end: Buffer): Buffer {
    if (this.size === 0) return end;
    const lines = Buffer.concat([...this.rest, end]);
    this.rest = [];
    this.size = 0;
    return lines;
  }

  private pass(lines: Buffer): Promise<void> | undefined {
    return this.sink.write(this.tag === undefined ? lines : tagged(lines, this.tag));
  }
}

function tagged(lines: Buffer, tag: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(NEWLINE, start) + 1;
    parts.push(tag, lines.subarray(start, end));
    start = end;
  }
  return Buffer.concat(parts);
}
