import { openSync, statSync } from 'node:fs';
import { OutputError, writeAll } from './stdout.js';

/** How many bytes may wait to be written before writers are asked to pause. */
const PAUSE_BYTES = 256 * 1024;

/**
 * Writes pieces in order, each of them whole, without blocking the event loop. After an error it accepts nothing.
 */
export class Sink {
  /**
   * The error that stopped it. What was given before may be written in part; everything after it was dropped.
   */
  error: Error | undefined;
  private pending: Buffer[] = [];
  private size = 0;
  private writing: Promise<void> | undefined;

  constructor(private readonly writeWhole: (data: Buffer) => Promise<void>) {}

  /** @param name for the error: `the job log /var/log/jobs` */
  static file(fd: number, name: string): Sink {
    return new Sink((data) => writeAll(fd, data, (written, cause) => toFileError(name, cause, written)));
  }

  /** Is nothing being written? */
  get isIdle(): boolean {
    return this.writing === undefined;
  }

  /** Does so much wait that writers are asked to pause? */
  get isFull(): boolean {
    return this.size > PAUSE_BYTES;
  }

  /** Nothing, or a promise that resolves when more may come. */
  get room(): Promise<void> | undefined {
    return this.isFull ? this.writing : undefined;
  }

  /** @returns nothing, or a promise that resolves when more may come */
  write(data: Buffer): Promise<void> | undefined {
    if (this.error !== undefined || data.length === 0) return undefined;
    this.pending.push(data);
    this.size += data.length;
    this.writing ??= this.writePending();
    return this.room;
  }

  /** Resolves when everything is written or dropped. */
  async flush(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
  }

  private async writePending(): Promise<void> {
    try {
      while (this.pending.length > 0) {
        const [first, ...more] = this.pending;
        const data = more.length === 0 && first ? first : Buffer.concat(this.pending);
        this.pending = [];
        this.size = 0;
        await this.writeWhole(data);
      }
    } catch (error) {
      this.error = error as Error;
      this.pending = [];
      this.size = 0;
    } finally {
      this.writing = undefined;
    }
  }
}

/**
 * A file that belongs to the output could not be opened or written. It is an OutputError, but a file has no reader
 * that could be gone.
 */
export function toFileError(name: string, cause: NodeJS.ErrnoException, written = 0): OutputError {
  return new OutputError(written, cause, `cannot write to ${name}: ${cause.message}`, false);
}

/**
 * Opens a file for appending.
 * @throws OutputError, also for a FIFO, because opening one blocks the process until somebody reads it
 */
export function openToAppend(path: string): number {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFIFO() === true)
      throw new Error('it is a FIFO; name a regular file');
    return openSync(path, 'a');
  } catch (error) {
    throw toFileError(path, error as NodeJS.ErrnoException);
  }
}
