import { closeSync, fstatSync } from 'node:fs';
import { constants } from 'node:os';
import type { Bytes } from '../core/job.js';
import { escapeForTerminal } from './escape.js';
import { openToAppend, Sink, toFileError } from './sink.js';

const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n';
const RUNTIME_WIDTH = 10;

/** A call of a handler that has ended. */
export interface LoggedCall {
  readonly jobs: readonly { readonly id: Bytes; readonly topic: Bytes }[];
  readonly startedAtMs: number;
  readonly runtimeMs: number;
  /** Bytes on the handler's stdin, and from its stdout. */
  readonly sent: number;
  readonly received: number;
  readonly exitCode?: number | undefined;
  readonly signalName?: string | undefined;
}

/** A line for each call, in the format of GNU parallel's --joblog, whose tools read it. */
export class JobLog {
  private calls = 0;

  private constructor(
    private readonly fd: number,
    private readonly sink: Sink,
    private readonly command: string,
  ) {}

  /**
   * Opens the file for appending; an empty file gets the header.
   * @param command for a shell; GNU parallel writes NUL for a newline in it, and reads it so again
   * @throws OutputError
   */
  static open(path: string, command: string): JobLog {
    const fd = openToAppend(path);
    try {
      const sink = Sink.file(fd, path);
      if (fstatSync(fd).size === 0) void sink.write(Buffer.from(HEADER));
      return new JobLog(fd, sink, command.replaceAll('\n', '\0'));
    } catch (error) {
      throw toFileError(path, error as NodeJS.ErrnoException);
    }
  }

  get error(): Error | undefined {
    return this.sink.error;
  }

  add({ jobs, startedAtMs, runtimeMs, sent, received, exitCode, signalName }: LoggedCall): void {
    this.calls += 1;
    const signal = signalName === undefined ? 0 : constants.signals[signalName as NodeJS.Signals];
    const fields = [
      ...[this.calls, ':', (startedAtMs / 1000).toFixed(3)],
      (runtimeMs / 1000).toFixed(3).padStart(RUNTIME_WIDTH),
      ...[sent, received, exitCode ?? (signal === 0 ? -1 : 0), signal],
      `${jobs.length === 1 && jobs[0] ? `DELAYER_ID=${quoted(jobs[0].id)} ` : ''}${this.command}`,
    ];
    void this.sink.write(Buffer.from(`${fields.join('\t')}\n`));
  }

  async close(): Promise<void> {
    await this.sink.flush();
    closeSync(this.fd);
  }
}

/** The command as shell words; control characters are escaped, so that it stays on one line. */
function quoted(id: Bytes): string {
  const text = escapeForTerminal(id);
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
