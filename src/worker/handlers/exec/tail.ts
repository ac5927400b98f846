import { MAX_REASON_BYTES } from '../../../core/job.js';

/** The end of a handler's stderr: as much as is kept with a failed attempt. */
export class Tail {
  private chunks: Buffer[] = [];
  private size = 0;

  add(chunk: Buffer): void {
    if (chunk.length >= MAX_REASON_BYTES) {
      // Copied, because a slice would keep the whole chunk in memory.
      this.chunks = [Buffer.from(chunk.subarray(-MAX_REASON_BYTES))];
      this.size = MAX_REASON_BYTES;
      return;
    }
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.size > 4 * MAX_REASON_BYTES) {
      const end = Buffer.from(Buffer.concat(this.chunks).subarray(-MAX_REASON_BYTES));
      this.chunks = [end];
      this.size = end.length;
    }
  }

  /** Trimmed, in whole characters. Empty when there is only white space. */
  get text(): string {
    if (this.size === 0) return '';
    let bytes: Buffer = Buffer.concat(this.chunks).subarray(-MAX_REASON_BYTES);
    while (((bytes[0] ?? 0) & 0xc0) === 0x80) bytes = bytes.subarray(1);
    return bytes.toString().trim();
  }
}
