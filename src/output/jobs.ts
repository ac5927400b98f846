import type { Bytes, Job, LeasedJob } from '../core/job.js';
import { escapeKeepingLines } from './escape.js';
import { jobToJson, takenToJson, toJsonLine } from './json.js';
import { OutputError, stdoutIsTerminal, writeStdout } from './stdout.js';

/** How `pop`, `bpop` and `drain` print a job: a line of JSON, the bytes of its body, or its id. */
export const JOB_FORMATS = ['json', 'body', 'id'] as const;
export type JobFormat = (typeof JOB_FORMATS)[number];

/** How `pop --lease` and `bpop --lease` print a job: a line of JSON, or its lease. */
export const LEASED_FORMATS = ['json', 'lease'] as const;
export type LeasedFormat = (typeof LEASED_FORMATS)[number];

const NEWLINE = Buffer.from('\n');

/** A line is a string until it is written: to make a Buffer of each takes longer than to write it. */
type Line = string | Buffer;

/** Lines of so many characters together are joined before they become bytes. */
const JOINED_CHARACTERS = 1024 * 1024;

function jobLine(job: Job, format: JobFormat, forTerminal: boolean): Line {
  if (format === 'json') return `${toJsonLine(takenToJson(job))}\n`;
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
  return writeLines(jobs, (job) => jobLine(job, format, stdoutIsTerminal()));
}

/** The same for jobs with their leases. */
export async function writeLeasedJobs(
  jobs: readonly (LeasedJob & { readonly leasedBy: string })[],
  format: LeasedFormat,
): Promise<Written> {
  return writeLines(jobs, (job) => `${format === 'lease' ? job.lease : toJsonLine(jobToJson(job))}\n`);
}

async function writeLines<T>(jobs: readonly T[], lineOf: (job: T) => Line): Promise<Written> {
  const { lines, error: tooLong } = linesOf(jobs, lineOf);
  try {
    await writeStdout(bytesOf(lines));
    return { written: lines.length, ...(tooLong && { error: tooLong }) };
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    let end = 0;
    const written = lines.findIndex((line) => (end += Buffer.byteLength(line)) > error.written);
    return { written: written === -1 ? lines.length : written, error };
  }
}

function bytesOf(lines: readonly Line[]): Buffer {
  let characters = 0;
  for (const line of lines) characters += typeof line === 'string' ? line.length : Infinity;
  if (characters <= JOINED_CHARACTERS) return Buffer.from(lines.join(''));
  return Buffer.concat(lines.map((line) => (typeof line === 'string' ? Buffer.from(line) : line)));
}

/** The lines of jobs, up to the first one that is too long for a string (half a gigabyte). */
function linesOf<T>(jobs: readonly T[], lineOf: (job: T) => Line): { lines: Line[]; error?: OutputError } {
  const lines: Line[] = [];
  try {
    for (const job of jobs) lines.push(lineOf(job));
    return { lines };
  } catch (error) {
    const message = 'a job is too large for a line of JSON; print its body alone';
    return { lines, error: new OutputError(0, error as Error, message) };
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
  /** Resolves with how many were written whole; fewer than given when stdout takes no more. */
  readonly write: (jobs: readonly Job[]) => Promise<number>;
  readonly error: OutputError | undefined;
} {
  let failure: OutputError | undefined;
  return {
    async write(jobs) {
      const { written, error } = await writeJobs(jobs, format);
      failure = error;
      return written;
    },
    get error() {
      return failure;
    },
  };
}
