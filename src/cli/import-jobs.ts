import { createHash } from 'node:crypto';
import { importJobs, type ImportResult } from '../bulk/import-jobs.js';
import { LineRanges } from '../bulk/line-ranges.js';
import { DelayerError, ERRORS } from '../core/errors.js';
import type { ImportOutcome } from '../core/transfer.js';
import type { Queue } from '../core/queue.js';
import type { OnExisting } from '../core/results.js';
import { escapeForTerminal } from '../output/escape.js';
import { toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { hintFor } from './hints.js';
import { importLines, lookAtFile } from './input/import-file.js';
import { type ImportChanges, ImportReader } from './input/import-items.js';
import { delayerCommand, quoteForShell, type Site } from './shell-command.js';
import { printErrorJson, printInfo, printLineError, printNote, ProgressLine } from './stderr.js';

export interface ImportFlags extends ImportChanges {
  readonly onExisting: OnExisting;
  readonly partial: boolean;
  readonly again: boolean;
  readonly json: boolean;
  /** As they were given, for a command that is printed: the flags of the store, and those that change jobs. */
  readonly storeFlags: Site['flags'];
  readonly changeWords: readonly string[];
}

/**
 * `import`: puts the jobs of a file, or of stdin, into a queue, and names every line that is not in it.
 * @returns the exit code: 0, or that of the worst line
 * @throws DelayerError; what was imported until then is told on stderr
 */
export async function runImport(queue: Queue, file: string | undefined, flags: ImportFlags): Promise<number> {
  const seen = await lookAtFile(file);
  if (seen?.isCutOff === true && !flags.partial)
    throw new DelayerError('file_unfinished', 'the file is truncated: its last line is missing');
  const reader = new ImportReader(flags);
  const report = new ImportReport(reader, flags, {
    label: queue.label,
    path: file,
    isNamed: seen !== undefined,
  });
  const { onExisting, again } = flags;
  let isComplete = false;
  try {
    const name = seen && nameOf(seen.digest, flags);
    const items = untilCutOff(reader.read(importLines(file)), flags.partial);
    for await (const results of importJobs(queue, items, { onExisting, file: name, again }))
      report.add(results);
    isComplete = true;
  } finally {
    report.end(isComplete);
    if (flags.json) await writeStdout(`${toJsonLine(report.toJson(isComplete))}\n`);
  }
  return report.exitCode;
}

/** Importing a file to other topics or times counts as another import. */
function nameOf(digest: string, { topics, shiftMs }: ImportChanges): string {
  const changes = [...topics].map(([from, to]) => [from, to.toString('latin1')]).sort();
  return createHash('sha256')
    .update(JSON.stringify([digest, changes, shiftMs]))
    .digest('hex');
}

/** When gzip data ends too early, what could be unpacked is imported if `--partial` asks for it. */
async function* untilCutOff<T>(items: AsyncIterable<T>, isPartial: boolean): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    if (!isPartial || !(error instanceof DelayerError) || error.code !== 'file_unfinished') throw error;
  }
}

type Counted = ImportOutcome | 'bad';

interface ImportedFile {
  /** The name of the store into which it is imported. */
  readonly label: string;
  /** As it was given; absent for stdin. */
  readonly path: string | undefined;
  /** Does a later import of it continue this one? */
  readonly isNamed: boolean;
}

class ImportReport {
  private readonly counts: Record<Counted, number> = {
    ...{ imported: 0, replaced: 0, repeated: 0, kept: 0, conflict: 0, expired: 0, blocked: 0 },
    ...{ before: 0, bad: 0 },
  };
  private readonly progress = new ProgressLine();

  constructor(
    private readonly reader: ImportReader,
    private readonly flags: ImportFlags,
    private readonly file: ImportedFile,
  ) {}

  get exitCode(): number {
    const { blocked, bad, conflict } = this.counts;
    if (blocked > 0) return ERRORS.store_wrong_type.exitCode;
    const isWhole = bad + conflict + this.reader.unknown.length === 0 && !this.isShort && !this.isCutOff;
    return isWhole ? 0 : ERRORS.file_unfinished.exitCode;
  }

  /** Are there lines that a later import of the file tries again? */
  private get hasRefused(): boolean {
    return this.file.isNamed && this.counts.conflict + this.counts.blocked > 0;
  }

  /** Of a stream this is known only at its end. */
  private get isCutOff(): boolean {
    return this.reader.isCutOff && !this.flags.partial;
  }

  /** Does the file hold another number of jobs than it says? */
  private get isShort(): boolean {
    const { total, held } = this.reader;
    return total !== undefined && total !== held;
  }

  add(results: readonly ImportResult[]): void {
    for (const result of results) {
      this.counts['error' in result ? 'bad' : result.outcome] += 1;
      const error = errorOf(result);
      if (error) this.reportLine(result.line, error);
    }
    this.progress.draw(() => this.summary());
  }

  /** What was imported is printed even when the rest failed. */
  end(isComplete: boolean): void {
    this.progress.clear();
    if (this.flags.json) return;
    if (!isComplete) {
      const next = this.file.isNamed ? '; run it again to continue' : '';
      if (Object.values(this.counts).some((count) => count > 0)) printNote(`${this.summary()}${next}`);
      return;
    }
    const { before, imported, replaced, ...rest } = this.counts;
    const isNothingNew = imported + replaced + Object.values(rest).reduce((sum, n) => sum + n, 0) === 0;
    if (before > 0 && isNothingNew)
      printNote(`the file was imported before (${before} jobs); --again imports it again`);
    else if (this.exitCode === 0) printInfo(this.summary());
    else
      printNote(
        this.hasRefused ? `${this.summary()}; run it again to retry the refused lines` : this.summary(),
      );
    this.tellOfFile();
  }

  toJson(isComplete: boolean): object {
    const { total, lines, notRemoved, unknown } = this.reader;
    const ofFile = { lines, ...(total !== undefined && { exported: total }), notRemoved, unknown };
    return { ...this.counts, ...ofFile, isComplete: isComplete && !this.isCutOff };
  }

  private tellOfFile(): void {
    const { total, held, notRemoved, unknown, kind } = this.reader;
    if (this.isCutOff) printNote('the file is truncated: its last line is missing');
    if (this.isShort) printNote(`the file should hold ${total} jobs, and holds ${held}`);
    if (notRemoved > 0) printInfo(`${notRemoved} were skipped: they had not been removed from their store`);
    if (unknown.length === 0) return;
    const ranges = new LineRanges();
    for (const [i, line] of unknown.entries()) {
      if (unknown[i - 1] !== line - 1) ranges.add(line - 1, false);
      ranges.add(line, true);
    }
    printNote(
      `it is unknown whether the jobs of ${ranges.toString()} were removed${this.remedyFor(kind, ranges)}`,
    );
  }

  /** Jobs of a move that was not finished come back to their store by themselves. */
  private remedyFor(kind: ImportReader['kind'], ranges: LineRanges): string {
    if (kind === 'moved') return ': look for them in their store';
    const { label, path } = this.file;
    const { storeFlags: flags, changeWords } = this.flags;
    const from = path === undefined || path === '-' ? 'FILE' : quoteForShell(path);
    const words = ['import', '--if-absent', ...changeWords.map(quoteForShell)].join(' ');
    const lines = `sed -n ${quoteForShell(ranges.toSed())} ${from}`;
    return `; this brings those back that are gone: ${lines} | ${delayerCommand({ label, flags }, words)}`;
  }

  private reportLine(line: number, error: DelayerError): void {
    this.progress.clear();
    if (this.flags.json) printErrorJson(error, hintFor(error, 'import'), { line });
    else printLineError(line, error);
  }

  private summary(): string {
    const { imported, before, bad, expired, ...rest } = this.counts;
    const others = Object.entries(rest).flatMap(([name, value]) => (value > 0 ? [`${value} ${name}`] : []));
    return [
      `${imported} imported`,
      ...others,
      ...(expired > 0 ? [`${expired} expired`] : []),
      ...(before > 0 ? [`${before} done before`] : []),
      ...(bad > 0 ? [`${bad} bad ${bad === 1 ? 'line' : 'lines'}`] : []),
    ].join(', ');
  }
}

function errorOf(result: ImportResult): DelayerError | undefined {
  if ('error' in result) return result.error;
  const id = `the id "${escapeForTerminal(result.job.id)}"`;
  if (result.outcome === 'conflict') return new DelayerError('job_exists', `${id} exists with other content`);
  if (result.outcome === 'blocked')
    return new DelayerError('store_wrong_type', `the key of ${id} holds something that is not a job`);
  return undefined;
}
