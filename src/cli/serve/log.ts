import { isUtf8 } from 'node:buffer';
import type { DaemonTotals } from '../../core/daemon-status.js';
import type { DelayerError } from '../../core/errors.js';
import type { DelayerEvent } from '../../core/events.js';
import type { Bytes } from '../../core/job.js';
import { escapeText } from '../../output/escape.js';
import { toJsonLine } from '../../output/json.js';
import { describeEvent } from '../events.js';
import { writeStderr } from '../stderr.js';
import { LogFile, type LogTrouble } from './log-file.js';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

/** How often (ms) moved jobs are logged, as one sum. */
const SUM_MS = 1000;

export interface LogLine {
  readonly level: LogLevel;
  /** The event, for programs. */
  readonly event: string;
  /** The same as a sentence; it is escaped when it is printed. */
  readonly message: string;
  /** More fields for JSON. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

export interface LogOptions {
  /** The format on stderr; undefined prints as other commands do, and files are text then. */
  readonly format: LogFormat | undefined;
  readonly level: LogLevel;
  /** The file for what goes well. */
  readonly accessLog: string | undefined;
  /** The file for warnings and errors. */
  readonly errorLog: string | undefined;
  readonly isQuiet: boolean;
}

/** Writes to stderr, or to the process that waits for the start. */
export type Print = (text: string, level: LogLevel) => void;

/**
 * The log of a daemon: one line for each event, on stderr and in the files that the original daemon has. No event
 * contains the body of a job; all other text is escaped.
 */
export class DaemonLog {
  private readonly access: LogFile | undefined;
  private readonly errors: LogFile | undefined;
  private readonly moved = { promoted: 0, reclaimed: 0, expired: 0, deleted: 0 };
  private summing: NodeJS.Timeout | undefined;

  /** @throws DelayerError `output_failed` when a file cannot be made or written to */
  constructor(
    private readonly options: LogOptions,
    private readonly print: Print = writeStderr,
  ) {
    const { accessLog, errorLog } = options;
    const onTrouble = (trouble: LogTrouble) => this.write(troubleLine(trouble));
    this.access = accessLog === undefined ? undefined : new LogFile(accessLog, onTrouble);
    this.errors =
      errorLog === accessLog
        ? this.access
        : errorLog === undefined
          ? undefined
          : new LogFile(errorLog, onTrouble);
    this.make();
  }

  /** Does stderr have lines for programs or log files, so that nothing else may be printed there? */
  get isFormatted(): boolean {
    return this.options.format !== undefined;
  }

  write(line: LogLine): void {
    if (this.shows(line.level)) this.toStderr(line);
    this.toFile(line);
  }

  readonly onEvent = (event: DelayerEvent): void => {
    if (event.type === 'maintained') this.add(event);
    const message = describeEvent(event);
    // The end of an outage is logged as a warning, in the same file as its beginning.
    if (message !== undefined)
      this.write({ level: 'warn', event: event.type, message, fields: fieldsOf(event) });
  };

  /** The error that ends the daemon. The command prints it on stderr, unless stderr is formatted. */
  writeFailure({ code, message }: DelayerError, hint: string): void {
    const line = { level: 'error', event: 'failed', message, fields: { code, hint } } as const;
    if (this.isFormatted) this.toStderr(line);
    this.toFile(line);
  }

  /** When log files were moved away: creates new ones at once. */
  reopen(): void {
    if (!this.access && !this.errors) {
      const message = 'SIGHUP has no effect without log files; SIGTERM stops this daemon';
      this.write({ level: 'info', event: 'hangup', message });
      return;
    }
    try {
      this.make();
      this.write({ level: 'info', event: 'log_reopened', message: 'reopened the log files' });
    } catch (error) {
      this.write({ level: 'error', event: 'log_failed', message: (error as Error).message });
    }
  }

  /** stderr is read again after so many lines were dropped. */
  onStderrBack(missing: number): void {
    this.write(troubleLine({ type: 'back', path: 'stderr', missing }));
  }

  /** The last line; the sum of moved jobs comes before it. */
  writeEnd(line: LogLine): void {
    this.writeSum();
    this.write(line);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.writeSum();
    await Promise.all([this.access?.close(), this.errors?.close()]);
  }

  private make(): void {
    this.access?.make();
    this.errors?.make();
  }

  private shows(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.options.level);
  }

  private toStderr(line: LogLine): void {
    const { format, isQuiet } = this.options;
    if (isQuiet) return;
    const text = format === undefined ? `delayer: ${escapeText(line.message)}` : formatted(line, format);
    this.print(`${text}\n`, line.level);
  }

  private toFile(line: LogLine): void {
    const file = line.level === 'error' || line.level === 'warn' ? this.errors : this.access;
    // Moved jobs are what the access log is for; on stderr only `--verbose` prints them.
    const isShown = this.shows(line.level) || (line.event === 'maintained' && this.shows('info'));
    if (isShown) file?.add(formatted(line, this.options.format ?? 'text'));
  }

  private add(event: Extract<DelayerEvent, { type: 'maintained' }>): void {
    for (const name of MOVES) this.moved[name] += event[name];
    this.summing ??= setTimeout(() => this.writeSum(), SUM_MS).unref();
  }

  private writeSum(): void {
    clearTimeout(this.summing);
    this.summing = undefined;
    const fields = { ...this.moved };
    if (MOVES.every((name) => fields[name] === 0)) return;
    for (const name of MOVES) this.moved[name] = 0;
    this.write({ level: 'debug', event: 'maintained', message: describeMoves(fields), fields });
  }
}

const MOVES = ['promoted', 'reclaimed', 'expired', 'deleted'] as const;

export function describeMoves({ promoted, expired, reclaimed, deleted }: DaemonTotals): string {
  return `promoted ${promoted}, reclaimed ${reclaimed}, cleared away ${expired} expired and ${deleted} dead`;
}

function fieldsOf(event: DelayerEvent): Record<string, unknown> {
  switch (event.type) {
    case 'store_lost':
      return { store: event.store, code: event.error.code };
    case 'store_back':
      return { store: event.store };
    case 'announce_failed':
    case 'pass_failed':
      return { code: event.error.code };
    case 'original_daemon':
      return { addresses: event.addresses };
    case 'wrong_types':
      return { keys: event.keys };
    case 'clock_stepped':
      return { store: event.store, byMs: event.byMs };
    case 'unnamed_bodies':
      return { bodies: event.bodies };
    case 'jobs_stuck':
      return { jobs: event.jobs };
    case 'job_dead':
      return { ...named('id', event.id), ...named('topic', event.topic) };
    default:
      return {};
  }
}

const named = (name: string, bytes: Bytes): Record<string, string> =>
  isUtf8(bytes) ? { [name]: bytes.toString() } : { [`${name}Base64`]: Buffer.from(bytes).toString('base64') };

function troubleLine(trouble: LogTrouble): LogLine {
  const { type, path } = trouble;
  const message =
    type === 'failed'
      ? `cannot write to the log ${path}: ${trouble.reason}; the daemon continues`
      : `the log ${path} is written again; ${trouble.missing} ${trouble.missing === 1 ? 'line is' : 'lines are'} missing`;
  return { level: 'warn', event: type === 'failed' ? 'log_failed' : 'log_back', message, fields: { path } };
}

/** A line of text begins as in the original: `[info] TIME`. */
function formatted({ level, event, message, fields }: LogLine, format: LogFormat): string {
  const [time, { pid }] = [new Date().toISOString(), process];
  if (format === 'json') return toJsonLine({ time, level, pid, event, message, ...fields });
  return `[${level}] ${time} ${pid} ${escapeText(message)}`;
}
