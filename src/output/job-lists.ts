import type { Bytes, JobRecord } from '../core/job.js';
import type { Problem } from '../core/views.js';
import { escapeKeepingLines } from './escape.js';
import { bytesOfLines, jobLine } from './job-line.js';
import { bytesToJson, jobToJson, toJsonLine } from './json.js';
import { stdoutIsTerminal, writeStdout } from './stdout.js';

/**
 * How lists are printed other than as a table: one JSON document, a line of JSON for each job, ids, bodies.
 */
export const LIST_FORMATS = ['json', 'ndjson', 'id', 'body'] as const;
export type ListFormat = (typeof LIST_FORMATS)[number];

/** Prints jobs as they come. */
export interface ListWriter {
  write(jobs: readonly JobRecord[]): Promise<void>;
  /** Is called once, when all jobs are written. */
  end(end: ListEnd): Promise<void>;
}

export interface ListEnd {
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string | undefined;
  /** What could not be listed, and why. */
  readonly problems: readonly Problem[];
}

export interface LineOptions {
  /** Printed after each id or body. */
  readonly terminator: '\n' | '\0';
  /** The topic of all jobs; absent when they may be of several. */
  readonly topic?: Bytes | undefined;
}

export function listWriter(format: ListFormat, { terminator, topic }: LineOptions): ListWriter {
  if (format === 'json') return new DocumentWriter(topic);
  if (format === 'ndjson')
    return lineWriter((job) => [Buffer.from(jobLine(job, jobToJson))], Buffer.alloc(0));
  const bytesOf = ({ id, body }: JobRecord) => (format === 'id' ? [id] : body ? [body] : []);
  return lineWriter((job) => bytesOf(job).map(shown), Buffer.from(terminator));
}

/** Escaped, so that no byte of a job moves the cursor of a terminal. */
const shown = (bytes: Bytes): Uint8Array =>
  stdoutIsTerminal() ? Buffer.from(escapeKeepingLines(bytes)) : bytes;

function lineWriter(partsOf: (job: JobRecord) => readonly Uint8Array[], end: Buffer): ListWriter {
  return {
    write: (jobs) =>
      writeStdout(Buffer.concat(jobs.flatMap((job) => partsOf(job).flatMap((part) => [part, end])))),
    end: () => Promise.resolve(),
  };
}

/** One document for any number of jobs: `{"topic","jobs","cursor"}`, without `topic` where there may be several. */
class DocumentWriter implements ListWriter {
  private isBegun = false;

  constructor(private readonly topic: Bytes | undefined) {}

  async write(jobs: readonly JobRecord[]): Promise<void> {
    if (jobs.length === 0) return;
    const parts = jobs.flatMap((job, i) => [i > 0 ? ',' : '', jobLine(job, jobToJson).slice(0, -1)]);
    await writeStdout(bytesOfLines([this.isBegun ? ',' : this.head(), ...parts]));
    this.isBegun = true;
  }

  async end({ cursor, problems }: ListEnd): Promise<void> {
    const rest = { cursor: cursor ?? null, ...(problems.length > 0 && { problems }) };
    await writeStdout(`${this.isBegun ? '' : this.head()}],${toJsonLine(rest).slice(1)}\n`);
  }

  private head(): string {
    const topic = this.topic && toJsonLine(bytesToJson('topic', this.topic));
    return `${topic === undefined ? '{' : `${topic.slice(0, -1)},`}"jobs":[`;
  }
}
