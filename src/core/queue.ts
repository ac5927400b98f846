import { v7 as uuid } from 'uuid';
import { monotonicMs } from './abort.js';
import { checkDuration, MAX_TIME_MS } from './duration.js';
import { DelayerError } from './errors.js';
import { leaseToken } from './handover.js';
import { DEFAULT_TTL_MS, type Due, type Job, type JobRecord, MAX_BODY_BYTES, type NewJob } from './job.js';
import type {
  JobPage,
  Lease,
  ListQuery,
  OnExisting,
  PushResult,
  RemoveResult,
  RemoveScope,
  Store,
  Survey,
  Taken,
} from './store.js';

/** Text stands for its UTF-8 bytes. */
export type Bytes = string | Uint8Array;

/** A job to push. Its delay (ms) counts from now, its ready lifetime (ms) from its due time. */
export interface PushRequest {
  readonly topic: Bytes;
  readonly body: Bytes;
  /** A UUID when absent. */
  readonly id?: Bytes | undefined;
  /** 0 when neither `delayMs` nor `at` is given; `at` in the past means now. */
  readonly delayMs?: number | undefined;
  readonly at?: Date | undefined;
  /** {@link DEFAULT_TTL_MS} when absent. */
  readonly ttlMs?: number | undefined;
}

export interface PushReceipt extends PushResult {
  readonly id: Buffer;
}

/** Jobs are handed out in batches of this size at most. */
export const TAKE_BATCH = 500;

/** A delay queue over a store: what the commands and the library's users call. */
export class Queue {
  constructor(readonly store: Store) {}

  /**
   * Adds a job.
   * @returns its id, when it is due, and whether it is new, a repeat of the same content, a
   *   replacement, or was kept as it is
   * @throws DelayerError `usage`; `job_exists` when the id exists with other content and `onExisting`
   *   is `refuse`; `outcome_unknown` when the connection broke before the answer came
   */
  async push(request: PushRequest, onExisting: OnExisting = 'refuse'): Promise<PushReceipt> {
    const [receipt] = await this.pushMany([request], onExisting);
    if (!receipt) throw new DelayerError('internal', 'the store gave no answer to a push');
    const failure = pushFailure(receipt);
    if (failure) throw failure;
    return receipt;
  }

  /**
   * Adds jobs in order, each by itself; a conflict is an answer here and no error.
   * @throws DelayerError `usage` before anything is pushed; when the store fails, those before may be in
   *   (250 at a time), and pushing all of them again under the same ids is safe while they are not due
   */
  async pushMany(
    requests: readonly PushRequest[],
    onExisting: OnExisting = 'refuse',
  ): Promise<PushReceipt[]> {
    const jobs = requests.map(toNewJob);
    const results = await this.store.push(jobs, onExisting);
    // Written out: to copy a result takes as long as a tenth of its push.
    return results.map(({ outcome, dueAt }, i) => ({ id: jobs[i]?.id ?? Buffer.alloc(0), outcome, dueAt }));
  }

  /** Takes the ready job that is due first, at most once; nothing when the topic has none. */
  async pop(topic: Bytes): Promise<Job | undefined> {
    return (await this.popMany(topic, 1))[0];
  }

  /** Takes up to `count` ready jobs, at most once; perhaps fewer than are ready, `[]` when none is. */
  async popMany(topic: Bytes, count: number): Promise<Job[]> {
    return (await this.store.pop(named(topic, 'topic'), Math.min(whole(count, 'count'), TAKE_BATCH))).jobs;
  }

  /**
   * Takes the ready job that is due first, waiting for one up to `timeoutMs` (for ever when absent).
   * @returns nothing when the time is over or `signal` aborts
   */
  async bpop(
    topic: Bytes,
    options: { timeoutMs?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Job | undefined> {
    return (await this.bpopMany(topic, 1, options))[0];
  }

  /** As {@link bpop}, up to `count` jobs once one is there. */
  async bpopMany(
    topic: Bytes,
    count: number,
    options: { timeoutMs?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Job[]> {
    const name = named(topic, 'topic');
    const limit = Math.min(whole(count, 'count'), TAKE_BATCH);
    const deadline = monotonicMs() + (options.timeoutMs ?? Infinity);
    for (;;) {
      if (options.signal?.aborted === true) return [];
      const { jobs, nextInMs } = await this.store.pop(name, limit);
      const remaining = deadline - monotonicMs();
      if (jobs.length > 0 || remaining <= 0) return jobs;
      await this.store.waitForReady(name, Math.min(remaining, nextInMs ?? Infinity), options.signal);
    }
  }

  /** Leases up to `limit` ready jobs until they are confirmed, put back, or `leaseMs` is over. */
  async lease(topic: Bytes, limit: number, leaseMs: number): Promise<Taken> {
    const checked = { limit: whole(limit, 'limit'), leaseMs: whole(leaseMs, 'leaseMs') };
    return this.store.take({ topic: named(topic, 'topic'), ...checked, token: leaseToken() });
  }

  /** Ends leases with their jobs done; answers, in order, whether each was still held. */
  async confirm(leases: readonly Lease[]): Promise<boolean[]> {
    return leases.length === 0 ? [] : this.store.confirm(leases);
  }

  /** Gives leased jobs back, as if they had not been taken. */
  async putBack(leases: readonly Lease[]): Promise<void> {
    if (leases.length > 0) await this.store.putBack(leases);
  }

  /**
   * Pushes jobs again that were popped and could not be handed over.
   * @returns the ids that are not back: another job has taken their id
   */
  async restore(jobs: readonly Job[]): Promise<Buffer[]> {
    const news = jobs.map(({ id, topic, body, dueAt, expiresAt }): NewJob => {
      const due = { atMs: dueAt?.getTime() ?? 0 };
      return { id, topic, body, due, ttlMs: DEFAULT_TTL_MS, expiresAtMs: expiresAt?.getTime() };
    });
    const results = news.length === 0 ? [] : await this.store.push(news, 'keep');
    return news.flatMap(({ id }, i) => (results[i]?.outcome === 'pushed' ? [] : [id]));
  }

  /** Removes a job that is not due yet; false when there is none, or it is due. */
  async remove(id: Bytes): Promise<boolean> {
    return (await this.removeMany([id]))[0]?.removed ?? false;
  }

  /** Removes jobs; answers, in order, whether it did and what each was. */
  async removeMany(ids: readonly Bytes[], scope: RemoveScope = 'delayed'): Promise<RemoveResult[]> {
    const names = ids.map((id) => named(id, 'id'));
    return names.length === 0 ? [] : this.store.remove(names, scope);
  }

  /** Counts jobs by topic and says what is wrong. */
  async survey(): Promise<Survey> {
    return this.store.survey();
  }

  /** Lists jobs of a topic, page by page. */
  async list(topic: Bytes, query: ListQuery): Promise<JobPage> {
    return this.store.list(named(topic, 'topic'), query);
  }

  /** Finds the jobs of an id: none, one, or two when it was pushed again while leased. */
  async find(id: Bytes): Promise<JobRecord[]> {
    return this.store.find(named(id, 'id'));
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

/** The error that a push of one job is answered with, or nothing when the job is in. */
export function pushFailure({ id, outcome }: PushReceipt): DelayerError | undefined {
  const name = () => JSON.stringify(id.toString());
  switch (outcome) {
    case 'conflict':
      return new DelayerError('job_exists', `The job ${name()} exists with other content`);
    case 'blocked':
      return new DelayerError(
        'store_wrong_type',
        `A key that is no job stands in the place of the job ${name()}`,
      );
    case 'unknown':
      return new DelayerError(
        'outcome_unknown',
        `The connection broke before the answer came, so the job ${name()} may be pushed or not`,
        {
          hint: `Look with \`delayer inspect --id\`; pushing it again with --id ${name()} is safe while it is not due.`,
        },
      );
    default:
      return undefined;
  }
}

const FIELDS = new Set<string>([
  'topic',
  'body',
  'id',
  'delayMs',
  'at',
  'ttlMs',
] satisfies (keyof PushRequest)[]);

/**
 * Checks a request and fills in what it leaves out.
 * @throws DelayerError `usage`
 */
export function toNewJob(request: PushRequest): NewJob {
  for (const name in request) {
    // A mistyped delay would make a job due at once.
    if (!FIELDS.has(name)) throw new DelayerError('usage', `${JSON.stringify(name)} is no field of a job`);
  }
  if (request.delayMs !== undefined && request.at !== undefined) {
    throw new DelayerError('usage', 'A job has a delay or a due time, not both');
  }
  const body = bytesOf(request.body, 'body');
  if (body.length === 0)
    throw new DelayerError('usage', 'The body is empty', { hint: 'A job needs a body.' });
  if (body.length > MAX_BODY_BYTES) {
    throw new DelayerError('usage', `The body has ${body.length} bytes; at most 512 MiB fit`, {
      hint: 'Store it elsewhere and push its address.',
    });
  }
  const ttlMs = checkDuration(request.ttlMs ?? DEFAULT_TTL_MS, 'the ttl');
  if (ttlMs === 0) {
    throw new DelayerError('usage', 'the ttl must not be zero', {
      hint: 'A job that may never be ready is never delivered.',
    });
  }
  return {
    id: request.id === undefined ? Buffer.from(uuid()) : named(request.id, 'id'),
    topic: named(request.topic, 'topic'),
    body,
    due: dueOf(request),
    ttlMs,
  };
}

function dueOf({ at, delayMs }: PushRequest): Due {
  if (at === undefined) return { delayMs: checkDuration(delayMs ?? 0, 'the delay') };
  const atMs = at.getTime();
  if (Number.isNaN(atMs)) throw new DelayerError('usage', 'the due time is no moment in time');
  if (atMs > MAX_TIME_MS)
    throw new DelayerError('usage', 'the due time is too far away', { hint: 'The year 9999 is the last.' });
  return { atMs: Math.max(0, Math.round(atMs)) };
}

function named(bytes: Bytes, what: 'id' | 'topic'): Buffer {
  const name = bytesOf(bytes, what);
  if (name.length === 0) {
    throw new DelayerError('usage', `The ${what} is empty`, { hint: `Give the ${what} at least one byte.` });
  }
  return name;
}

function whole(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new DelayerError('usage', `The ${what} is no whole number of at least 1: ${value}`);
}

function bytesOf(bytes: Bytes, what: string): Buffer {
  if (typeof bytes === 'string') {
    if (bytes.isWellFormed()) return Buffer.from(bytes);
    throw new DelayerError('usage', `The ${what} holds half a character`);
  }
  // Callers in JavaScript have no compiler to tell them.
  if (!((bytes as unknown) instanceof Uint8Array))
    throw new DelayerError('usage', `The ${what} is neither text nor bytes`);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
