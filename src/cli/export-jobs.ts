import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { exportEnd, exportHead } from '../bulk/job-file.js';
import { ERRORS } from '../core/errors.js';
import { type JobRecord, type JobState, jobCount } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { Problem } from '../core/views.js';
import { bytesOfLines, jobLine, JobTooLargeError } from '../output/job-line.js';
import { exportedToJson, toJsonLine } from '../output/json.js';
import { WholeFile } from '../output/jobs-file.js';
import { OutputError, writeStdout } from '../output/stdout.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';

/**
 * The states that are exported when none are named: not leased jobs, nor expired ones, which nobody can take any
 * more.
 */
export const EXPORTED_STATES: readonly JobState[] = ['delayed', 'due', 'ready', 'dead'];

/** Lines are collected up to so many bytes before they are written. */
const WRITE_BYTES = 256 * 1024;

const NO_FILE_LEFT = 'Nothing was changed in the queue, and no file was left behind.';

/** Some of the jobs that are to be exported. */
export interface ExportPart {
  readonly jobs: readonly JobRecord[];
  readonly problems?: readonly Problem[] | undefined;
}

export interface ExportTarget {
  /** stdout when absent. */
  readonly file?: string | undefined;
  readonly gzip: boolean;
}

/**
 * `export`: writes jobs, a line each. A file begins with a line that says what it is and ends with a line that says
 * what it holds; it appears only when it is whole.
 * @returns how many jobs were written, and the exit code where something kept some from being so
 * @throws OutputError
 */
export async function runExport(
  queue: Queue,
  parts: AsyncIterable<ExportPart>,
  { file, gzip }: ExportTarget,
): Promise<{ count: number; exitCode: number }> {
  const report = new ExportReport();
  const target = file === undefined ? undefined : new WholeFile(file);
  let failure: Error | undefined;
  const write = (bytes: Buffer) =>
    (target ? target.write(bytes) : writeStdout(bytes)).catch((error: unknown) => {
      failure = error as Error;
      throw error;
    });
  try {
    const lines = linesOf(queue, parts, report, target !== undefined);
    if (gzip)
      await pipeline(Readable.from(lines), createGzip(), (packed: AsyncIterable<Buffer>) =>
        writeEach(packed, write),
      );
    else await writeEach(lines, write);
    await target?.finish();
  } catch (error) {
    target?.discard();
    // When a write fails, the pipeline may report that it was aborted.
    const cause = failure ?? error;
    throw target && cause instanceof OutputError ? cause.withHint(NO_FILE_LEFT) : cause;
  } finally {
    report.clear();
  }
  report.tell(file);
  return report;
}

async function writeEach(
  chunks: AsyncIterable<Buffer>,
  write: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  for await (const chunk of chunks) await write(chunk);
}

async function* linesOf(
  queue: Queue,
  parts: AsyncIterable<ExportPart>,
  report: ExportReport,
  isFile: boolean,
): AsyncGenerator<Buffer> {
  let text = isFile ? `${toJsonLine(exportHead(queue.label, await queue.now()))}\n` : '';
  for await (const { jobs, problems = [] } of parts) {
    for (const job of jobs) {
      const line = report.lineOf(job);
      if (text.length + line.length < WRITE_BYTES) text += line;
      else {
        yield bytesOfLines([text, line]);
        text = '';
      }
    }
    report.problems(problems);
  }
  if (isFile) text += `${toJsonLine(exportEnd(report.count, report.states))}\n`;
  if (text !== '') yield Buffer.from(text);
}

class ExportReport {
  count = 0;
  exitCode = 0;
  readonly states: Record<string, number> = {};
  private bodiless = 0;
  private readonly progress = new ProgressLine();

  /** Counts a job. @returns its line; empty where it cannot be exported */
  lineOf(job: JobRecord): string {
    const { body, topic, state } = job;
    if (body === undefined || topic === undefined) {
      this.bodiless += 1;
      return '';
    }
    let line: string;
    try {
      line = jobLine(job, exportedToJson);
    } catch (error) {
      if (!(error instanceof JobTooLargeError)) throw error;
      this.leaveOut(error);
      return '';
    }
    this.count += 1;
    this.states[state] = (this.states[state] ?? 0) + 1;
    if (this.count % 100 === 0) this.progress.draw(() => `${this.count} exported`);
    return line;
  }

  private leaveOut({ message }: JobTooLargeError): void {
    this.clear();
    printNote(`left out: ${message}`);
    this.exitCode = ERRORS.output_failed.exitCode;
  }

  problems(problems: readonly Problem[]): void {
    for (const { message } of problems) {
      this.clear();
      printNote(message);
      this.exitCode = ERRORS.store_wrong_type.exitCode;
    }
  }

  clear(): void {
    this.progress.clear();
  }

  tell(file: string | undefined): void {
    if (this.bodiless > 0) printNote(`${jobCount(this.bodiless)} left out: their bodies are gone`);
    const states = Object.entries(this.states).map(([state, count]) => `${count} ${state}`);
    const what =
      states.length > 1
        ? `${jobCount(this.count)} exported (${states.join(', ')})`
        : `${jobCount(this.count)} exported`;
    printInfo(file === undefined ? what : `${what} to ${file}`);
  }
}
