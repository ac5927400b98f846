import { fstatSync, write, writeSync } from 'node:fs';
import { sleep } from '../core/timer.js';
import { isTerminal } from './terminal.js';

const STDOUT = 1;
/** After so long (ms) a write to a full non-blocking pipe is tried again. */
const FULL_PIPE_PAUSE_MS = 5;
/** So many bytes go into a regular file at once, because the system takes them into its memory. */
const AT_ONCE_BYTES = 64 * 1024;

/** Output could not be written; `written` bytes of it were. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
  constructor(
    readonly written: number,
    override readonly cause: NodeJS.ErrnoException,
    message = `cannot write to stdout: ${cause.message}`,
    private readonly isStdout = true,
    /** What was done before it, and what to do; absent where the command says that. */
    readonly hint?: string,
  ) {
    super(message, { cause });
  }

  /** The same error, with a hint. */
  withHint(hint: string): OutputError {
    return new OutputError(this.written, this.cause, this.message, this.isStdout, hint);
  }

  /** The reader of stdout is gone: it has seen enough. */
  get readerGone(): boolean {
    return this.isStdout && this.cause.code === 'EPIPE';
  }
}

let terminal: boolean | undefined;

export function stdoutIsTerminal(): boolean {
  terminal ??= isTerminal(STDOUT);
  return terminal;
}

/**
 * Writes to stdout, and returns when this process has written all of it. The event loop is not blocked, so signals
 * are handled and leases renewed while a reader is slow.
 * @throws OutputError, which counts what went out before
 */
export async function writeStdout(data: string | Buffer): Promise<void> {
  await writeAll(STDOUT, data, (written, cause) => new OutputError(written, cause));
}

/** The same for any open file. */
export async function writeAll(
  fd: number,
  data: string | Buffer,
  toError: (written: number, cause: NodeJS.ErrnoException) => Error,
): Promise<void> {
  const buffer = typeof data === 'string' ? Buffer.from(data) : data;
  let written = 0;
  while (written < buffer.length) {
    try {
      written += await writeSome(fd, buffer.subarray(written));
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      if (cause.code !== 'EAGAIN') throw toError(written, cause);
      await sleep(FULL_PIPE_PAUSE_MS);
    }
  }
}

let stdoutIsFile: boolean | undefined;

function isFile(fd: number): boolean {
  if (fd !== STDOUT) return fstatSync(fd).isFile();
  return (stdoutIsFile ??= fstatSync(fd).isFile());
}

/** A thread of Node, which a reader may keep waiting, takes ten times as long as a small write to a file. */
export async function writeSome(fd: number, buffer: Buffer): Promise<number> {
  if (buffer.length <= AT_ONCE_BYTES && isFile(fd)) return writeSync(fd, buffer);
  return new Promise((resolve, reject) => {
    write(fd, buffer, (error, written) => {
      if (error) reject(error);
      else resolve(written);
    });
  });
}
