import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Bytes } from '../core/job.js';
import { escapeForTerminal } from './escape.js';
import { fileNameOf } from './file-name.js';
import { Lines } from './lines.js';
import { Sink, toFileError } from './sink.js';

/** Where what one call of a handler prints goes. Each takes bytes, and answers nothing or what resolves when more may come. */
export interface CallOutput {
  stdout(chunk: Buffer): Promise<void> | undefined;
  stderr(chunk: Buffer): Promise<void> | undefined;
  /** The handler has ended. What it left running may still print. */
  end(): void;
  /** Nothing more can come. */
  close(): void;
}

export interface HandlerOutputOptions {
  /** For what handlers print on stdout. */
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Put the id of the job in front of each line. */
  readonly tags: boolean;
  /** A folder for a file a job, in place of stdout and stderr. It is made if it is not there. */
  readonly folder?: string | undefined;
}

/** What handlers print: passed on line by line, or into a file a job. */
export class HandlerOutput {
  private fileError: Error | undefined;
  private readonly closing = new Set<Promise<void>>();

  /** @throws OutputError when the folder cannot be made */
  constructor(private readonly options: HandlerOutputOptions) {
    if (options.folder === undefined) return;
    try {
      mkdirSync(options.folder, { recursive: true });
    } catch (error) {
      throw toFileError(options.folder, error as NodeJS.ErrnoException);
    }
  }

  /** What kept it from writing: then no more handlers should be started. */
  get error(): Error | undefined {
    return this.options.stdout.error ?? this.fileError;
  }

  /** @throws OutputError when its file cannot be opened, or something could not be written before */
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
    let fd: number;
    try {
      fd = openSync(path, 'a');
    } catch (error) {
      throw toFileError(path, error as NodeJS.ErrnoException);
    }
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

  /** Resolves when everything is out that can be. */
  async flush(): Promise<void> {
    await Promise.all(this.closing);
    await this.options.stdout.flush();
    await this.options.stderr.flush();
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
