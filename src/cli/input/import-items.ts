import type { ImportItem } from '../../bulk/import-jobs.js';
import { type FileLine, isFileLine, parseFileLine } from '../../bulk/job-file.js';
import { chunks } from '../../core/chunks.js';
import { DelayerError } from '../../core/errors.js';
import type { ImportedJob } from '../../core/imported-job.js';
import { MAX_TIMESTAMP_MS } from '../../core/timestamp.js';
import { toImportedJob } from '../../core/validate-import.js';
import { parseImportLine } from './import-line.js';
import type { Line } from './lines.js';

/** Lines that are parsed at a time. */
const LINES_AT_ONCE = 250;

/** How jobs are changed on their way. */
export interface ImportChanges {
  /** By the name of a topic, as latin1. */
  readonly topics: ReadonlyMap<string, Buffer>;
  /** By how much (ms) due times and expiries move. */
  readonly shiftMs: number;
}

/** Reads the jobs of a file, and the lines about the file itself. */
export class ImportReader {
  /** How many jobs the file says it holds; absent where it does not say. */
  total: number | undefined;
  /** Lines of jobs, good or bad. */
  lines = 0;
  /** Lines of jobs that were to be removed, where it is not known whether they were. */
  readonly unknown: number[] = [];
  /** Jobs that were to be removed and were not: they are still in their store. */
  notRemoved = 0;
  /** What the file says it is; plain lines of jobs say nothing, and count as an export. */
  kind: 'export' | 'removed' | 'moved' = 'export';
  /** It begins as a file that has a last line, and that line has not come. */
  isCutOff = false;
  private pending: ImportItem[] = [];

  constructor(private readonly changes: ImportChanges) {}

  /** How many jobs the file holds, without those that stayed in their store. */
  get held(): number {
    return this.lines - this.notRemoved;
  }

  async *read(lines: AsyncIterable<readonly Line[]>): AsyncGenerator<ImportItem[]> {
    for await (const some of lines) {
      for (const few of chunks(some, LINES_AT_ONCE)) yield few.flatMap((line) => this.take(line));
    }
    for (const { line } of this.pending) this.unknown.push(line);
  }

  /** The items that can be judged after this line. */
  private take({ number: line, bytes }: Line): ImportItem[] {
    try {
      if (bytes && isFileLine(bytes)) return this.follow(parseFileLine(bytes));
      const request = parseImportLine(bytes);
      if (request === undefined) return [];
      return this.hold({ line, job: this.changed(toImportedJob(request)) });
    } catch (error) {
      if (!(error instanceof DelayerError) || error.code !== 'usage') throw error;
      return this.hold({ line, error });
    }
  }

  private follow(told: FileLine): ImportItem[] {
    if (told.type === 'head') {
      this.kind = told.kind;
      this.isCutOff = told.kind !== 'removed';
    }
    if (told.type === 'end') {
      this.total = told.total;
      this.isCutOff = false;
    }
    if (told.type !== 'part') return [];
    const part = this.pending.splice(0, told.jobs);
    this.notRemoved += told.left.size;
    return part.filter((_, i) => !told.left.has(i));
  }

  private hold(item: ImportItem): ImportItem[] {
    this.lines += 1;
    if (this.kind === 'export') return [item];
    this.pending.push(item);
    return [];
  }

  private changed(job: ImportedJob): ImportedJob {
    const { topics, shiftMs } = this.changes;
    const topic = topics.get(job.topic.toString('latin1')) ?? job.topic;
    if (shiftMs === 0 || job.death) return topic === job.topic ? job : { ...job, topic };
    const later = (ms: number | undefined) => (ms === undefined ? undefined : Math.max(0, ms + shiftMs));
    const [dueAtMs, expiresAtMs = Infinity] = [later(job.dueAtMs), later(job.expiresAtMs)];
    if (dueAtMs !== undefined && dueAtMs > MAX_TIMESTAMP_MS)
      throw new DelayerError('usage', 'the due time is shifted behind the end of the year 9999');
    return { ...job, topic, dueAtMs, expiresAtMs: expiresAtMs > MAX_TIMESTAMP_MS ? undefined : expiresAtMs };
  }
}
