/// <reference lib="esnext.disposable" />
import { checkDuration } from './duration.js';
import { DelayerError } from './errors.js';
import { DEFAULT_TTL_MS, type Bytes, type Job, type JobRecord, JOB_STATES, type JobState } from './job.js';
import { newToken } from './lease.js';
import type { NewJob } from './new-job.js';
import { pushError } from './push-error.js';
import type {
  LeaseLike,
  ListQuery,
  NackOptions,
  PushReceipt,
  PushRequest,
  ReadyWaitOptions,
  TextOrBytes,
  Topics,
  WaitOptions,
} from './requests.js';
import type {
  JobPage,
  Maintenance,
  OnExisting,
  Problem,
  RemoveResult,
  RequeueResult,
  Reserved,
  Stats,
} from './results.js';
import type { Store } from './store.js';
import { monotonicMs } from './timer.js';
import {
  assertFields,
  cutReason,
  toCount,
  toFailure,
  toLeases,
  toName,
  toNewJob,
  toTopics,
} from './validate.js';

/** Jobs are popped in batches of this size at most. */
export const POP_BATCH = 500;

/** The longest lease: Node's timers reach no further, and a worker has to renew it in time. */
export const MAX_LEASE_MS = 24 * 86_400_000;

const LIST_LIMIT = 50;

/**
 * A delay queue over a store: the one door to it, for the commands, workers and the library's users.
 *
 * Every method rejects with a `DelayerError`: `usage` when it is called wrongly or the queue is closed,
 * else what the store answers.
 */
export class Queue {
  readonly #store: Store;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(store: Store) {
    this.#store = store;
  }

  /** The store's name for people and logs, without its password. */
  get label(): string {
    return this.#store.label;
  }

  /** Did opening the queue create its store? Undefined where that cannot be told. */
  get isNew(): boolean | undefined {
    return this.#store.isNew;
  }

  /** Does a due job have to be moved before it can be taken? Then a daemon is of use. */
  get needsPromotion(): boolean {
    return this.#store.needsPromotion;
  }

  /**
   * Adds a job.
   * @returns its id, when it is due, and whether it is new, a repeat of the same content, a replacement,
   *   or was kept as it is
   * @throws DelayerError `job_exists` when the id exists with other content and `onExisting` is `refuse`;
   *   `outcome_unknown` when the connection broke before the answer came
   */
  async push(
    request: PushRequest,
    options: { onExisting?: OnExisting | undefined } = {},
  ): Promise<PushReceipt> {
    const [receipt] = await this.pushMany([request], options);
    if (!receipt) throw new DelayerError('internal', 'the store gave no answer to a push');
    const error = pushError(receipt);
    if (error) throw error;
    return receipt;
  }

  /**
   * Adds jobs in order, each by itself; a conflict is an answer here and no error.
   * @throws DelayerError `usage` before anything is pushed; when the store fails, those before may be in
   *   (250 at a time), and pushing all of them again under the same ids is safe while they are not due
   */
  async pushMany(
    requests: readonly PushRequest[],
    options: { onExisting?: OnExisting | undefined } = {},
  ): Promise<PushReceipt[]> {
    return this.pushChecked(requests.map(toNewJob), options.onExisting);
  }

  /** @internal As `pushMany`, for jobs that `toNewJob` has checked. */
  async pushChecked(jobs: readonly NewJob[], onExisting: OnExisting = 'refuse'): Promise<PushReceipt[]> {
    const results = jobs.length === 0 ? [] : await this.open.push({ jobs, onExisting });
    // Written out: to copy a result takes as long as a tenth of its push.
    return results.map(({ outcome, dueAt }, i) => ({ id: jobs[i]?.id ?? Buffer.alloc(0), outcome, dueAt }));
  }

  /** Takes the ready job that is due first, of the first topic that has one, at most once; nothing when there is none. */
  async pop(topics: Topics): Promise<Job | undefined> {
    return (await this.popMany(topics, 1))[0];
  }

  /** Takes up to `count` ready jobs, at most once; perhaps fewer than are ready, `[]` when none is. */
  async popMany(topics: Topics, count: number): Promise<Job[]> {
    const limit = Math.min(toCount(count, 'count'), POP_BATCH);
    return (await this.open.pop({ topics: toTopics(topics), limit })).jobs;
  }

  /** Takes a job as `pop` does, waiting for one. Nothing when the time is over or the signal aborts. */
  async bpop(topics: Topics, options: WaitOptions = {}): Promise<Job | undefined> {
    return (await this.bpopMany(topics, 1, options))[0];
  }

  /** As {@link bpop}, up to `count` jobs once one is there. */
  async bpopMany(topics: Topics, count: number, options: WaitOptions = {}): Promise<Job[]> {
    const names = toTopics(topics);
    const limit = Math.min(toCount(count, 'count'), POP_BATCH);
    const { timeoutMs = Infinity, signal } = options;
    const deadline = monotonicMs() + timeoutMs;
    for (;;) {
      if (signal?.aborted === true) return [];
      const { jobs, nextInMs, revision } = await this.open.pop({ topics: names, limit });
      const remaining = deadline - monotonicMs();
      if (jobs.length > 0 || remaining <= 0) return jobs;
      await this.open.waitForReady({
        topics: names,
        maxMs: Math.min(remaining, nextInMs ?? Infinity),
        signal,
        since: revision,
      });
    }
  }

  /** Leases up to `limit` ready jobs until they are acknowledged, nacked, released, or `leaseMs` is over. */
  async reserve(params: { topics: Topics; limit: number; leaseMs: number }): Promise<Reserved> {
    const topics = toTopics(params.topics);
    const limit = toCount(params.limit, 'limit');
    const leaseMs = toCount(params.leaseMs, 'lease in ms', MAX_LEASE_MS);
    return this.open.reserve({ topics, limit, leaseMs, token: newToken() });
  }

  /** Ends leases with their jobs done and gone; answers, in order, whether each was still held. */
  async ack(leases: readonly LeaseLike[]): Promise<boolean[]> {
    const names = toLeases(leases);
    return names.length === 0 ? [] : this.open.ack({ leases: names });
  }

  /** Ends leases with their jobs failed; answers, in order, whether each was still held. */
  async nack(leases: readonly LeaseLike[], options: NackOptions): Promise<boolean[]> {
    const names = toLeases(leases);
    const failure = toFailure(options);
    const reason = options.reason === undefined ? undefined : cutReason(options.reason);
    return names.length === 0 ? [] : this.open.nack({ leases: names, failure, reason });
  }

  /** Gives leased jobs back as if they had never been reserved; answers, in order, whether each was still held. */
  async release(leases: readonly LeaseLike[]): Promise<boolean[]> {
    const names = toLeases(leases);
    return names.length === 0 ? [] : this.open.release({ leases: names });
  }

  /** Lets leases end `leaseMs` from now; answers, in order, when, or nothing when it was not held any more. */
  async extend(leases: readonly LeaseLike[], leaseMs: number): Promise<(Date | undefined)[]> {
    const names = toLeases(leases);
    toCount(leaseMs, 'lease in ms', MAX_LEASE_MS);
    return names.length === 0 ? [] : this.open.extend({ leases: names, leaseMs });
  }

  /**
   * Pushes jobs again that were popped and could not be delivered.
   * @returns the ids that are not back: another job has taken their id
   */
  async restore(jobs: readonly Job[]): Promise<Bytes[]> {
    const again = jobs.map(({ id, topic, body, dueAt, expiresAt }): NewJob => ({
      ...toNewJob({ id, topic, body, at: dueAt ?? new Date(0) }),
      ttlMs: DEFAULT_TTL_MS,
      expiresAtMs: expiresAt?.getTime(),
    }));
    const results = await this.pushChecked(again, 'keep');
    return results.flatMap(({ id, outcome }) => (outcome === 'pushed' ? [] : [id]));
  }

  /** Removes a job that is not due yet; false when there is none, or it is due. */
  async remove(id: TextOrBytes): Promise<boolean> {
    return (await this.removeMany([id]))[0]?.removed ?? false;
  }

  /** Removes jobs that are in one of these states (delayed ones when absent); answers, in order, whether it did and what each was. */
  async removeMany(
    ids: readonly TextOrBytes[],
    options: { states?: readonly JobState[] | 'any' | undefined } = {},
  ): Promise<RemoveResult[]> {
    const states = options.states === 'any' ? JOB_STATES : (options.states ?? (['delayed'] as const));
    const jobs = ids.map((id) => ({ id: toName(id, 'id'), states }));
    return jobs.length === 0 ? [] : this.open.remove({ jobs });
  }

  /** Makes the latest dead letter of each id a job again; answers in order. */
  async requeue(
    ids: readonly TextOrBytes[],
    options: { delayMs?: number | undefined } = {},
  ): Promise<RequeueResult[]> {
    const names = ids.map((id) => toName(id, 'id'));
    const delayMs = checkDuration(options.delayMs ?? 0, 'the delay');
    return names.length === 0 ? [] : this.open.requeue({ ids: names, delayMs });
  }

  /** Holds topics back from every consumer of delayer, for `forMs` or until `resume`. */
  async pause(topics: Topics, options: { forMs?: number | undefined } = {}): Promise<void> {
    const forMs = options.forMs === undefined ? undefined : checkDuration(options.forMs, 'the pause');
    await this.open.pause({ topics: toTopics(topics), forMs });
  }

  async resume(topics: Topics): Promise<void> {
    await this.open.resume({ topics: toTopics(topics) });
  }

  /** Counts jobs, by topic as well when `exact`; else only the totals that are cheap. */
  async stats(options: { exact?: boolean | undefined } = {}): Promise<Stats> {
    return this.open.stats({ exact: options.exact ?? true });
  }

  /** What is wrong with the store; `[]` when nothing is. */
  async health(): Promise<Problem[]> {
    return this.open.health();
  }

  /** Lists jobs of topics, page by page. */
  async list(topics: Topics, query: ListQuery = {}): Promise<JobPage> {
    const { limit, cursor, ...narrowing } = query;
    assertFields(narrowing, ['states', 'dueBefore', 'dueAfter', 'idGlob'], 'field of a query');
    const selection = { topics: toTopics(topics), ...narrowing };
    return this.open.list({ selection, limit: toCount(limit ?? LIST_LIMIT, 'limit'), cursor });
  }

  /** Finds the jobs of an id; `[]` when there is none, several when it was pushed again while leased or dead. */
  async find(id: TextOrBytes): Promise<JobRecord[]> {
    return this.open.find({ id: toName(id, 'id') });
  }

  /** One bounded step of what a daemon does. */
  async maintain(): Promise<Maintenance> {
    return this.open.maintain();
  }

  /** Lets others see, for some seconds, that a daemon of this name is at work. */
  async announce(daemon: string): Promise<void> {
    await this.open.announce({ daemon });
  }

  /** Takes an announcement back. */
  async retire(daemon: string): Promise<void> {
    await this.open.retire({ daemon });
  }

  /** Returns when a job of the topics may be ready, when the time is over, or when aborted; takes nothing. */
  async waitForReady(topics: Topics, options: ReadyWaitOptions = {}): Promise<void> {
    const { timeoutMs: maxMs = Infinity, signal, since } = options;
    await this.open.waitForReady({ topics: toTopics(topics), maxMs, signal, since });
  }

  /** Returns when a push may have changed the next due time, when the time is over, or when aborted. */
  async waitForPush(options: WaitOptions = {}): Promise<void> {
    await this.open.waitForPush({ maxMs: options.timeoutMs ?? Infinity, signal: options.signal });
  }

  /** The store's clock. */
  async now(): Promise<Date> {
    return this.open.now();
  }

  /** Ends what waits and lets go of the store. Closing twice is closing once. */
  async close(): Promise<void> {
    this.#closing ??= this.#store.close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private get open(): Store {
    if (this.#closing) throw new DelayerError('usage', `The queue ${this.label} is closed`);
    return this.#store;
  }
}
