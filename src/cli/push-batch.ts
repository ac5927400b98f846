import { type BatchItem, type BatchResult, pushBatch } from '../bulk/push-batch.js';
import { LineRanges } from '../bulk/line-ranges.js';
import { chunks } from '../core/chunks.js';
import { DelayerError, ERRORS } from '../core/errors.js';
import { pushError } from '../core/push-error.js';
import type { Queue } from '../core/queue.js';
import type { OnExisting, PushResult } from '../core/results.js';
import { toNewJob } from '../core/validate.js';
import { writeIds } from '../output/jobs.js';
import { toJsonLine } from '../output/json.js';
import { stdoutIsTerminal, writeStdout } from '../output/stdout.js';
import { hintFor } from './hints.js';
import { type Line, readLines } from './input/lines.js';
import { parseJobLine } from './input/ndjson.js';
import { printErrorJson, printInfo, printLineError, printNote, ProgressLine } from './stderr.js';

/** Lines that are parsed at a time. */
const LINES_AT_ONCE = 250;

/**
 * `push --batch`: pushes the jobs of a file or of stdin, prints the ids that are in the queue now, in
 * order, and names every line that is not.
 * @returns the exit code: 0, or that of the worst line
 * @throws DelayerError, OutputError; what was accepted until then is told on stderr
 */
export async function runBatch(
  queue: Queue,
  file: string | undefined,
  onExisting: OnExisting,
  json: boolean,
): Promise<number> {
  const report = new BatchReport(json);
  let complete = false;
  try {
    // The chunk that was under way when stdout failed is in the queue all the same.
    const options = { onExisting, onUnasked: (results: BatchResult[]) => report.add(results) };
    for await (const results of pushBatch(queue, readItems(file), options)) {
      report.add(results);
      if (!json) await writeIds(results.flatMap((result) => (isIn(result) ? [result.receipt.id] : [])));
    }
    complete = true;
  } finally {
    report.end(complete);
  }
  if (json) await writeStdout(`${toJsonLine(report.counts)}\n`);
  return report.exitCode;
}

/**
 * Parses a few lines at a time, so that parsing a chunk takes no longer than the store needs for the one before.
 */
async function* readItems(file: string | undefined): AsyncGenerator<BatchItem[]> {
  for await (const lines of readLines(file)) {
    for (const some of chunks(lines, LINES_AT_ONCE)) yield some.flatMap(readItem);
  }
}

function readItem(line: Line): BatchItem[] {
  try {
    const request = parseJobLine(line);
    return request === undefined ? [] : [{ line: line.number, job: toNewJob(request) }];
  } catch (error) {
    if (!(error instanceof DelayerError) || error.code !== 'usage') throw error;
    return [{ line: line.number, error }];
  }
}

function isIn(result: BatchResult): result is Extract<BatchResult, { receipt: unknown }> {
  return 'receipt' in result && pushError(result.receipt) === undefined;
}

class BatchReport {
  readonly counts: Record<PushResult['outcome'] | 'bad', number> = {
    pushed: 0,
    replaced: 0,
    repeated: 0,
    kept: 0,
    conflict: 0,
    blocked: 0,
    unknown: 0,
    bad: 0,
  };
  /** Outcomes that mean that the job is in the queue. */
  private readonly lines = new LineRanges();
  private readonly progress: ProgressLine;

  constructor(private readonly json: boolean) {
    // On a terminal the printed ids are progress enough.
    this.progress = new ProgressLine(json || !stdoutIsTerminal());
  }

  get exitCode(): number {
    const { unknown, blocked, bad, conflict } = this.counts;
    if (unknown > 0) return ERRORS.outcome_unknown.exitCode;
    if (blocked > 0) return ERRORS.store_wrong_type.exitCode;
    if (bad > 0) return ERRORS.usage.exitCode;
    return conflict > 0 ? ERRORS.job_exists.exitCode : 0;
  }

  add(results: readonly BatchResult[]): void {
    for (const result of results) {
      const error = 'error' in result ? result.error : pushError(result.receipt);
      this.counts['error' in result ? 'bad' : result.receipt.outcome] += 1;
      this.lines.add(result.line, isIn(result));
      if (error) this.reportLine(result.line, error);
    }
    this.progress.draw(() => this.summary());
  }

  /** What was accepted is printed even when the rest failed. */
  end(complete: boolean): void {
    this.progress.clear();
    const begun = Object.values(this.counts).some((count) => count > 0);
    if (this.json) return;
    if (complete && this.exitCode === 0) printInfo(this.summary());
    else if (complete) printNote(this.summary());
    else if (begun) printNote(`${this.summary()}; in the queue: ${this.lines.toString() || 'no line'}`);
  }

  private reportLine(line: number, error: DelayerError): void {
    this.progress.clear();
    if (this.json) printErrorJson(error, hintFor(error, 'push'), { line });
    else printLineError(line, error);
  }

  private summary(): string {
    const { pushed, bad, ...rest } = this.counts;
    const others = Object.entries(rest).flatMap(([name, value]) => (value > 0 ? [`${value} ${name}`] : []));
    const badLines = bad > 0 ? [`${bad} bad ${bad === 1 ? 'line' : 'lines'}`] : [];
    return [`${pushed} pushed`, ...others, ...badLines].join(', ');
  }
}
