import { inChunks } from '../core/chunks.js';
import { DelayerError } from '../core/errors.js';
import type { ImportedJob } from '../core/imported-job.js';
import type { Imported, ImportOutcome } from '../core/transfer.js';
import type { Queue } from '../core/queue.js';
import type { OnExisting } from '../core/results.js';

/** A job from line `line` of a file, or the error of that line. */
export type ImportItem =
  | { readonly line: number; readonly job: ImportedJob }
  | { readonly line: number; readonly error: DelayerError };

/** How one line ended; `before`: an earlier run, or another process, has imported it. */
export type ImportResult =
  | { readonly line: number; readonly outcome: ImportOutcome; readonly job: ImportedJob }
  | { readonly line: number; readonly error: DelayerError };

export interface ImportHow {
  readonly onExisting: OnExisting;
  /**
   * Names what is imported, so that an import that was cut off goes on from there; absent where there is no such
   * name.
   */
  readonly file?: string | undefined;
  /** Begins anew, whatever was imported before. */
  readonly again?: boolean | undefined;
}

/** Jobs imported with one call, and the bytes of their bodies: a store takes so many in one step. */
const CHUNK_JOBS = 250;
const CHUNK_BYTES = 1024 * 1024;
/** Chunks that are with the store at once. */
const UNDER_WAY = 2;

/**
 * Imports any number of jobs at constant memory, in order, while the next are read. Of a file that has a name two
 * chunks are with the store at once: each says behind which line it goes, and the store does nothing where it is not
 * there. A line that cannot be imported is a result like any other; the rest goes on. Lines that an earlier run of the
 * same file could not import are tried again.
 * @throws DelayerError when the store fails: results of all chunks before were given
 */
export async function* importJobs(
  queue: Queue,
  items: AsyncIterable<readonly ImportItem[]>,
  { onExisting, file, again = false }: ImportHow,
): AsyncGenerator<ImportResult[]> {
  const importing = new Importing(queue, onExisting, file);
  await importing.begin(again);
  const size = {
    ...{ items: CHUNK_JOBS, bytes: CHUNK_BYTES },
    bytesOf: (item: ImportItem) => ('job' in item ? item.job.body.length : 0),
  };
  const most = file === undefined ? 1 : UNDER_WAY;
  const underWay: Promise<ImportResult[]>[] = [];
  try {
    for await (const chunk of inChunks(items, size)) {
      const isIdle = chunk.length === 0;
      while (underWay.length >= (isIdle ? 1 : most)) yield await next(underWay);
      if (isIdle) continue;
      const taken = importing.take(chunk);
      // Its failure is thrown when its turn comes.
      taken.catch(() => undefined);
      underWay.push(taken);
    }
    while (underWay.length > 0) yield await next(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
}

function next(underWay: Promise<ImportResult[]>[]): Promise<ImportResult[]> {
  return underWay.shift() ?? Promise.resolve([]);
}

class Importing {
  /** Up to which line the file is done. */
  private line = 0;
  /** Lines up to there that were refused. */
  private refused: ReadonlySet<number> = new Set();
  /** Up to which it is done when all chunks are that were taken. */
  private lineAhead = 0;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly queue: Queue,
    private readonly onExisting: OnExisting,
    private readonly file: string | undefined,
  ) {}

  async begin(again: boolean): Promise<void> {
    const { file, queue } = this;
    if (file === undefined) return;
    await this.look(file);
    if (again && this.line > 0) {
      await queue.importChecked([], { progress: { file, from: this.line, to: 0 } });
      await this.look(file);
    }
    this.lineAhead = this.line;
  }

  private async look(file: string): Promise<void> {
    const { line, refused } = await this.queue.importProgress(file);
    [this.line, this.refused] = [line, new Set(refused)];
  }

  /** Imports a chunk; of a file that has a name, others may be taken before it has answered. */
  take(chunk: readonly ImportItem[]): Promise<ImportResult[]> {
    const [from, before] = [this.lineAhead, this.last];
    const to = chunk.at(-1)?.line ?? 0;
    // A part that was dealt with before is left out below.
    const isAhead = this.file !== undefined && (chunk[0]?.line ?? 0) > from;
    const ahead = isAhead ? this.import(chunk, from, to) : undefined;
    this.lineAhead = Math.max(from, to);
    const results = this.takeBehind(before, chunk, ahead);
    this.last = results;
    return results;
  }

  /**
   * @param before the chunk before
   * @param ahead what the store answers to a call that was made without waiting for that: nothing was done by it where
   *   the one before was not done by then
   */
  private async takeBehind(
    before: Promise<unknown>,
    chunk: readonly ImportItem[],
    ahead: Promise<Imported> | undefined,
  ): Promise<ImportResult[]> {
    const results: ImportResult[] = [];
    const to = chunk.at(-1)?.line ?? 0;
    const [, answer] = await Promise.allSettled([before, ahead]);
    await before;
    if (answer.status === 'rejected') throw answer.reason;
    if (answer.value) {
      const { outcomes, reached } = answer.value;
      const done = reached === undefined ? chunk.length : placeBehind(chunk, outcomes.length);
      if (outcomes.length > 0 || reached === undefined) {
        results.push(...told(chunk.slice(0, done), outcomes));
        await this.move(reached, to);
      }
    }
    for (;;) {
      results.push(...(await this.again(chunk.slice(results.length))));
      if (results.length === chunk.length) return results;
      const rest = chunk.slice(results.length);
      const { outcomes, reached } = await this.import(rest, this.line, to);
      const done = reached === undefined ? rest : rest.slice(0, placeBehind(rest, outcomes.length));
      results.push(...told(done, outcomes));
      await this.move(reached, to);
    }
  }

  /** @param reached where the file is instead: a call whose answer was lost, or another process, has imported lines */
  private async move(reached: number | undefined, to: number): Promise<void> {
    if (reached !== undefined && this.file !== undefined) await this.look(this.file);
    else this.line = to;
  }

  /** The lines up to the one reached were imported before, but for those that were refused: these are tried again. */
  private async again(items: readonly ImportItem[]): Promise<ImportResult[]> {
    const { file, onExisting } = this;
    if (file === undefined) return [];
    const next = items.findIndex(({ line }) => line > this.line);
    const behind = next === -1 ? items : items.slice(0, next);
    const jobs = jobsOf(behind).filter(({ line }) => this.refused.has(line));
    const { outcomes } =
      jobs.length === 0
        ? { outcomes: [] }
        : await this.queue.importChecked(jobs, { onExisting, retryOf: file });
    const retried = new Map(jobs.map(({ line }, i) => [line, outcomes[i]]));
    return told(
      behind,
      jobsOf(behind).map(({ line }) => retried.get(line) ?? 'before'),
    );
  }

  private import(items: readonly ImportItem[], from: number, to: number): Promise<Imported> {
    const { file, onExisting } = this;
    const jobs = jobsOf(items);
    const progress = file === undefined ? undefined : { file, from, to };
    return this.queue.importChecked(jobs, { onExisting, progress });
  }
}

/** The jobs of the good lines, each with its line. */
const jobsOf = (items: readonly ImportItem[]) =>
  items.flatMap((item) => ('job' in item ? [{ ...item.job, line: item.line }] : []));

/** After which item this many jobs have been passed. */
function placeBehind(items: readonly ImportItem[], jobs: number): number {
  let left = jobs;
  const next = items.findIndex((item) => 'job' in item && left-- === 0);
  return next === -1 ? items.length : next;
}

function told(items: readonly ImportItem[], outcomes: readonly ImportOutcome[]): ImportResult[] {
  const answers = outcomes.values();
  return items.map((item) => {
    if ('error' in item) return item;
    const answer = answers.next();
    if (answer.done === true)
      throw new DelayerError('internal', 'the store answered fewer imports than it was given');
    return { line: item.line, outcome: answer.value, job: item.job };
  });
}
