import { closeSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DelayerError } from '../../core/errors.js';
import { sleep } from '../../core/timer.js';
import { makeFolder } from '../../output/make-folder.js';

/** How many lines may wait for a slow file; further ones are dropped and counted. */
const MAX_PENDING = 1000;
/** How long (ms) the end waits for a file that hangs. */
const CLOSE_MS = 1000;
const MODE = 0o644;

/** How writing to a log file goes. */
export type LogTrouble =
  | { readonly type: 'failed'; readonly path: string; readonly reason: string }
  | { readonly type: 'back'; readonly path: string; readonly missing: number };

/**
 * A log file that is opened for each write, as by the original daemon, so that it may be moved away without a
 * signal. The daemon never waits for it: a full or hanging disk delays nothing else.
 */
export class LogFile {
  private pending: string[] = [];
  private writing: Promise<void> | undefined;
  /** Lines that could not be written since the last one that could. */
  private missing = 0;
  private hasFailed = false;
  /** Does the file end in the middle of a line? */
  private isTorn = false;

  constructor(
    readonly path: string,
    private readonly onTrouble: (trouble: LogTrouble) => void,
  ) {}

  /**
   * Makes the file and its folder where they are absent.
   * @throws DelayerError `output_failed` when they cannot be made or written to
   */
  make(): void {
    try {
      makeFolder(dirname(this.path));
    } catch (error) {
      throw cannot(`The folder of the log ${this.path} cannot be made`, error);
    }
    try {
      closeSync(openSync(this.path, 'a', MODE));
    } catch (error) {
      throw cannot(`The log ${this.path} cannot be written`, error);
    }
  }

  /** @param line without its end */
  add(line: string): void {
    if (this.pending.length < MAX_PENDING) this.pending.push(`${line}\n`);
    else this.missing += 1;
    this.writing ??= this.writeAll();
  }

  /** Waits until all is written, for a while. */
  async close(): Promise<void> {
    if (!this.writing) return;
    const written = new AbortController();
    await Promise.race([this.writing, sleep(CLOSE_MS, written.signal)]);
    written.abort();
  }

  private async writeAll(): Promise<void> {
    while (this.pending.length > 0) {
      const lines = this.pending;
      this.pending = [];
      try {
        await this.append(lines.join(''));
        this.tellOfSuccess();
      } catch (error) {
        this.missing += lines.length;
        this.tellOfFailure(error as Error);
      }
    }
    this.writing = undefined;
  }

  private async append(text: string): Promise<void> {
    const file = await this.open();
    try {
      const bytes = Buffer.from(this.isTorn ? `\n${text}` : text);
      for (let written = 0; written < bytes.length;) {
        written += (await file.write(bytes, written)).bytesWritten;
        this.isTorn = written < bytes.length;
      }
    } finally {
      await file.close();
    }
  }

  private async open() {
    try {
      return await open(this.path, 'a', MODE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      // Its folder was removed.
      makeFolder(dirname(this.path));
      return open(this.path, 'a', MODE);
    }
  }

  private tellOfSuccess(): void {
    const { missing } = this;
    if (missing === 0) return;
    this.missing = 0;
    this.hasFailed = false;
    this.onTrouble({ type: 'back', path: this.path, missing });
  }

  private tellOfFailure({ message }: Error): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.onTrouble({ type: 'failed', path: this.path, reason: message });
  }
}

function cannot(what: string, error: unknown): DelayerError {
  return new DelayerError('output_failed', `${what}: ${(error as Error).message}`, {
    hint: 'Make the folder, let this user write to it, or name another file.',
    cause: error,
  });
}
