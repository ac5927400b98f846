import type { JobRecord, JobState } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { ScanQuery, Problem, ScanPart } from '../core/views.js';
import { type AbortSignalLike, monotonicMs, sleep } from '../core/timer.js';

/** Limits of one call: so many jobs, or bodies of about so many bytes. */
const CHUNK = { jobs: 1000, bytes: 1024 * 1024 };
/** After so many parts of a scan without enough jobs, progress is reported. */
const MOST_PARTS = 8;

/** Which jobs a sweep goes through. */
export interface Sweep {
  readonly query: ScanQuery;
  /** Narrows further. */
  readonly matches?: ((job: JobRecord) => boolean | Promise<boolean>) | undefined;
  /** No more than so many of them. */
  readonly limit: number;
}

/**
 * What became of a job that was to be acted on.
 * - `done`: it was. `changed`: it was not any more what it was seen to be, and was left alone.
 * - `duplicate_id`: another job of its id lives; it was left alone.
 * - `not_selected`: it has no body any more, which a scan without content does not see; it was left alone.
 */
export type Outcome = 'done' | 'changed' | 'duplicate_id' | 'not_selected';

/** Acts on jobs as they were seen; answers in order. */
export type Act = (jobs: readonly JobRecord[]) => Promise<readonly Outcome[]>;

/** A part of a sweep. */
export interface Swept {
  readonly jobs: readonly JobRecord[];
  /** For each of the jobs. */
  readonly outcomes: readonly Outcome[];
  /** How many jobs were looked at for it. */
  readonly lookedAt: number;
  readonly problems: readonly Problem[];
}

/**
 * The selected jobs, part by part; parts may be empty.
 * @param atOnce parts are put together up to so many jobs, and the next is on its way while the caller is busy
 */
export async function* selected(
  queue: Queue,
  { query, matches, limit }: Sweep,
  atOnce?: number,
): AsyncGenerator<Omit<Swept, 'outcomes'>> {
  let left = limit;
  const scan = queue.scan(query);
  // What matches may depend on what the caller has done meanwhile, so each part is fetched only when it is asked
  // for.
  for await (const { jobs, lookedAt, problems = [] } of atOnce === undefined
    ? scan
    : ahead(gathered(scan, atOnce))) {
    const matching = matches ? await filter(jobs, matches) : jobs;
    const some = matching.slice(0, left);
    left -= some.length;
    yield { jobs: some, lookedAt, problems };
    if (left === 0) return;
  }
}

/** Parts, put together until there is enough for a call of the store. */
async function* gathered(parts: AsyncIterable<ScanPart>, most: number): AsyncGenerator<ScanPart> {
  let [jobs, problems]: [JobRecord[], Problem[]] = [[], []];
  let [lookedAt, bytes, count] = [0, 0, 0];
  for await (const part of parts) {
    jobs.push(...part.jobs);
    problems.push(...(part.problems ?? []));
    lookedAt += part.lookedAt;
    count += 1;
    for (const { body } of part.jobs) bytes += body?.length ?? 0;
    if (jobs.length < most && bytes < CHUNK.bytes && count < MOST_PARTS) continue;
    yield { jobs, lookedAt, problems };
    [jobs, problems, lookedAt, bytes, count] = [[], [], 0, 0, 0];
  }
  if (count > 0) yield { jobs, lookedAt, problems };
}

/** The next item is fetched while the caller works on this one. */
async function* ahead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  for (let next = items.next(); ;) {
    const item = await next;
    if (item.done === true) return;
    next = items.next();
    // When the caller stops early, nobody waits for the item that was being fetched.
    next.catch(() => undefined);
    yield item.value;
  }
}

async function filter(
  jobs: readonly JobRecord[],
  matches: (job: JobRecord) => boolean | Promise<boolean>,
): Promise<JobRecord[]> {
  const matching: JobRecord[] = [];
  for (const job of jobs) if (await matches(job)) matching.push(job);
  return matching;
}

/** What a count of the selected jobs found. */
export interface Counted {
  readonly counts: Readonly<Partial<Record<JobState, number>>>;
  /** The first of the jobs. */
  readonly first: readonly JobRecord[];
}

/**
 * Counts the selected jobs by state.
 * @param show how many of the first jobs are kept, to be shown
 */
export async function countSelected(
  queue: Queue,
  through: Sweep,
  { show = 0, onProgress }: { readonly show?: number; readonly onProgress?: (lookedAt: number) => void } = {},
): Promise<Counted> {
  const counts: Partial<Record<JobState, number>> = {};
  const first: JobRecord[] = [];
  let all = 0;
  for await (const { jobs, lookedAt } of selected(queue, through)) {
    for (const { state } of jobs) counts[state] = (counts[state] ?? 0) + 1;
    first.push(...jobs.slice(0, show - first.length));
    all += lookedAt;
    onProgress?.(all);
  }
  return { counts, first };
}

export interface SweepLimits {
  /** At most so many jobs a second. */
  readonly perSecond?: number | undefined;
  /** At most so many jobs in one call. */
  readonly atOnce?: number | undefined;
  /** How many calls may be under way at once when neither a rate nor a limit applies; 1 when absent. */
  readonly underWay?: number | undefined;
  /** Ends it after the jobs in hand. */
  readonly signal?: AbortSignalLike | undefined;
  /** Is called with the results of each call that was under way when the caller stopped iterating. */
  readonly onUnasked?: ((swept: Swept) => void) | undefined;
}

/**
 * Acts on the selected jobs, chunk by chunk, and yields a report of each chunk. Jobs that are left alone do not
 * count towards the limit.
 */
export async function* sweep(
  queue: Queue,
  through: Sweep,
  act: Act,
  { perSecond = Infinity, atOnce = CHUNK.jobs, underWay = 1, signal, onUnasked }: SweepLimits = {},
): AsyncGenerator<Swept> {
  const began = monotonicMs();
  const most = Math.min(atOnce, Math.max(1, Math.floor(perSecond)));
  const isFree = perSecond === Infinity && through.limit === Infinity;
  const acting = new Acting(act, isFree ? underWay : 1);
  let tried = 0;
  const isOver = () => signal?.aborted === true || acting.done >= through.limit;
  try {
    for await (const part of selected(
      queue,
      { ...through, limit: Infinity },
      Math.min(most, through.limit),
    )) {
      // Jobs that were looked at and did not match count as progress as well.
      if (part.jobs.length === 0) yield { ...part, outcomes: [] };
      let { lookedAt, problems } = part;
      for (let rest = part.jobs; rest.length > 0;) {
        const waitMs = began + (tried / perSecond) * 1000 - monotonicMs();
        if (waitMs > 0) await sleep(waitMs, signal);
        if (isOver()) break;
        const jobs = rest.slice(0, Math.min(most, through.limit - acting.done));
        rest = rest.slice(jobs.length);
        tried += jobs.length;
        yield* acting.start({ jobs, lookedAt, problems });
        [lookedAt, problems] = [0, []];
      }
      if (isOver()) break;
    }
    yield* acting.rest();
  } catch (error) {
    // Calls beside the one that failed may have been done.
    yield* await acting.others();
    throw error;
  } finally {
    for (const swept of await acting.others()) onUnasked?.(swept);
  }
}

/** Calls that are under way, in their order. */
class Acting {
  done = 0;
  private readonly calls: Promise<Swept>[] = [];

  constructor(
    private readonly act: Act,
    private readonly most: number,
  ) {}

  /** Begins another call; yields results of calls that have ended, when too many are under way. */
  async *start(part: Omit<Swept, 'outcomes'>): AsyncGenerator<Swept> {
    const call = this.act(part.jobs).then((outcomes) => ({ ...part, outcomes }));
    // Its failure is thrown when its turn comes.
    call.catch(() => undefined);
    this.calls.push(call);
    while (this.calls.length >= this.most) yield await this.next();
  }

  async *rest(): AsyncGenerator<Swept> {
    while (this.calls.length > 0) yield await this.next();
  }

  /** Waits until no call is under way, and yields the results of those that did not fail. */
  async others(): Promise<Swept[]> {
    const ended = await Promise.allSettled(this.calls.splice(0));
    return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  private async next(): Promise<Swept> {
    const swept = await this.calls.shift();
    if (!swept) throw new Error('nothing is under way');
    this.done += swept.outcomes.filter((outcome) => outcome === 'done').length;
    return swept;
  }
}
