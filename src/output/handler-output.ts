import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { Bytes } from '../core/job.js';
import { escapeForTerminal } from './escape.js';
import { fileNameOf } from './file-name.js';
import { Lines } from './lines.js';
import { makeFolder } from './make-folder.js';
import { openToAppend, Sink, toFileError } from './sink.js';

/**
 * Destinations of what one call of a handler prints. Each takes bytes, and returns nothing or a promise that
 * resolves when more may come.
 */
export interface CallOutput {
  stdout(chunk: Buffer): Promise<void> | undefined;
  stderr(chunk: Buffer): Promise<void> | undefined;
  /** The handler has ended. Processes that it left running may still print. */
  end(): void;
  /** No more output can come. */
  close(): void;
}

export interface HandlerOutputOptions {
  /** Stdout of handlers. */
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Put the id of the job at the beginning of each line? */
  readonly tags: boolean;
  /** A folder with a file for each job, in place of stdout and stderr. It is made if it does not exist. */
  readonly folder?: string | undefined;
}

/** The output of handlers: passed on line by line, or written into a file for each job. */
export class HandlerOutput {
  private fileError: Error | undefined;
  private readonly closing = new Set<Promise<void>>();

  /** @throws OutputError when the folder cannot be made */
  constructor(private readonly options: HandlerOutputOptions) {
    if (options.folder === undefined) return;
    try {
      makeFolder(options.folder);
    } catch (error) {
      throw toFileError(options.folder, error as NodeJS.ErrnoException);
    }
  }

  /** The error that kept it from writing: no more handlers should be started then. */
  get error(): Error | undefined {
    return this.options.stdout.error ?? this.fileError;
  }

  /** @throws OutputError when its file cannot be opened, or a write failed before */
  open([job]: readonly { readonly id: Bytes }[]): CallOutput {
    if (this.error !== undefined) throw this.error;
    const { stdout, stderr, tags, folder } = this.options;
    if (job !== undefined && folder !== undefined) return this.openFile(join(folder, fileNameOf(job.id)));
    const tag = job !== undefined && tags ? Buffer.from(`${escapeForTerminal(job.id)}\t`) : undefined;
    const [out, err] = [new Lines(stdout, tag), new Lines(stderr, tag)];
    return {
      stdout: (chunk) => out.write(chunk),
      stderr: (chunk) => err.write(chunk),
      end: () => {
        out.end();
        err.end();
      },
      close: () => {
        out.end();
        err.end();
      },
    };
  }

  private openFile(path: string): CallOutput {
    const fd = openToAppend(path);
    const sink = Sink.file(fd, path);
    const write = (chunk: Buffer) => sink.write(chunk);
    return {
      stdout: write,
      stderr: write,
      end: () => {
        this.fileError ??= sink.error;
      },
      close: () => this.close(fd, sink),
    };
  }

  /** Resolves when everything is in the files that can be. */
  async closeFiles(): Promise<void> {
    await Promise.all(this.closing);
  }

  private close(fd: number, sink: Sink): void {
    const closed = sink.flush().then(() => {
      this.fileError ??= sink.error;
      closeSync(fd);
      this.closing.delete(closed);
    });
    this.closing.add(closed);
  }
}
