import type { Bytes, Job, LeasedJob } from '../core/job.js';
import { escapeKeepingLines } from './escape.js';
import { bytesOfLines, jobLine, JobTooLargeError, type Line } from './job-line.js';
import { jobToJson, takenToJson } from './json.js';
import { OutputError, stdoutIsTerminal, writeStdout } from './stdout.js';

/** How `pop`, `bpop` and `drain` print a job: a line of JSON, the bytes of its body, or its id. */
export const JOB_FORMATS = ['json', 'body', 'id'] as const;
export type JobFormat = (typeof JOB_FORMATS)[number];

/** How `pop --lease` and `bpop --lease` print a job: a line of JSON, or its lease. */
export const LEASED_FORMATS = ['json', 'lease'] as const;
export type LeasedFormat = (typeof LEASED_FORMATS)[number];

const NEWLINE = Buffer.from('\n');

function lineOf(job: Job, format: JobFormat, forTerminal: boolean): Line {
  if (format === 'json') return jobLine(job, takenToJson);
  const bytes = format === 'body' ? job.body : job.id;
  return Buffer.concat([forTerminal ? Buffer.from(escapeKeepingLines(bytes)) : bytes, NEWLINE]);
}

/** How many jobs were written whole, and the error that stopped the rest. */
export interface Written {
  readonly written: number;
  readonly error?: OutputError;
}

/** Prints jobs, each on a line. */
export async function writeJobs(jobs: readonly Job[], format: JobFormat): Promise<Written> {
  return writeLines(jobs, (job) => lineOf(job, format, stdoutIsTerminal()));
}

/** The same for jobs with their leases. */
export async function writeLeasedJobs(
  jobs: readonly (LeasedJob & { readonly leasedBy: string })[],
  format: LeasedFormat,
): Promise<Written> {
  return writeLines(jobs, (job) => (format === 'lease' ? `${job.lease}\n` : jobLine(job, jobToJson)));
}

async function writeLines<T>(jobs: readonly T[], lineOf: (job: T) => Line): Promise<Written> {
  const { lines, error: tooLong } = linesOf(jobs, lineOf);
  try {
    await writeStdout(bytesOfLines(lines));
    return { written: lines.length, ...(tooLong && { error: tooLong }) };
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    let end = 0;
    const written = lines.findIndex((line) => (end += Buffer.byteLength(line)) > error.written);
    return { written: written === -1 ? lines.length : written, error };
  }
}

/** The lines of jobs, up to the first one that is too large. */
function linesOf<T>(jobs: readonly T[], lineOf: (job: T) => Line): { lines: Line[]; error?: OutputError } {
  const lines: Line[] = [];
  try {
    for (const job of jobs) lines.push(lineOf(job));
    return { lines };
  } catch (error) {
    if (error instanceof JobTooLargeError) return { lines, error };
    throw error;
  }
}

/** Prints an id on a line. */
export async function writeId(id: Bytes): Promise<void> {
  await writeIds([id]);
}

/** Prints ids, each on a line. */
export async function writeIds(ids: readonly Bytes[]): Promise<void> {
  const forTerminal = stdoutIsTerminal();
  const lines: Uint8Array[] = [];
  for (const id of ids) lines.push(forTerminal ? Buffer.from(escapeKeepingLines(id)) : id, NEWLINE);
  await writeStdout(Buffer.concat(lines));
}

/** Prints jobs as they come, and keeps the error that stopped it. */
export function jobWriter(format: JobFormat): {
  /**
   * Resolves with how many were written whole: fewer than given when stdout takes no more, or the next job can never
   * be printed, because it is `tooLarge`.
   */
  readonly write: (jobs: readonly Job[]) => Promise<number | { written: number; tooLarge: string }>;
  readonly error: OutputError | undefined;
} {
  let failure: OutputError | undefined;
  return {
    async write(jobs) {
      const { written, error } = await writeJobs(jobs, format);
      if (error instanceof JobTooLargeError) return { written, tooLarge: error.message };
      failure = error;
      return written;
    },
    get error() {
      return failure;
    },
  };
}
