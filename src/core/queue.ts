/// <reference lib="esnext.disposable" />
import { assertList } from './check.js';
import { DelayerError } from './errors.js';
import type { OnEvent } from './events.js';
import type { Description, DiagnosisPart, Fault } from './faults.js';
import type { Bytes, Job, JobRecord, JobState } from './job.js';
import type { ImportedJob } from './imported-job.js';
import { toListener } from './listener.js';
import type { FileProgress, Imported } from './transfer.js';
import type { NewJob } from './new-job.js';
import {
  toDueCountsParams,
  toFlawedParams,
  toListParams,
  toScanParams,
  toStatsParams,
} from './observe-params.js';
import {
  toEditParams,
  toHoldParams,
  toPauseParams,
  toPromoteParams,
  toRemoveParams,
  toRequeueParams,
  toRescheduleParams,
} from './operate-params.js';
import {
  toAnnounceParams,
  toCallLimits,
  toDaemonParams,
  toExtendParams,
  toLeaseParams,
  toLockParams,
  toMaintainParams,
  toNackParams,
  toOnExisting,
  toPopParams,
  toPushWaitParams,
  toReadyWaitParams,
  toReserveParams,
} from './params.js';
import { pushError } from './push-error.js';
import type {
  BpopOptions,
  CallOptions,
  EditRequest,
  ImportOptions,
  ImportRequest,
  JobReference,
  HoldOptions,
  HoldRequest,
  LeaseLike,
  Lock,
  NackOptions,
  PopOptions,
  PromoteOptions,
  PushReceipt,
  PushRequest,
  PushWaitOptions,
  ReadyWaitOptions,
  RemoveRequest,
  RequeueOptions,
  RequeueRequest,
  RescheduleRequest,
  ReserveRequest,
  TextOrBytes,
  Topics,
} from './requests.js';
import type {
  DaemonReport,
  DueCountsRequest,
  ListQuery,
  ScanQuery,
  StatsOptions,
  Daemon,
  DueCounts,
  FlawedJobs,
  JobPage,
  Problem,
  ScanPart,
  Stats,
} from './views.js';
import type {
  EditResult,
  HoldResult,
  Maintenance,
  NackResult,
  OnExisting,
  Popped,
  PromoteResult,
  RemoveResult,
  RequeueResult,
  RescheduleResult,
  Reserved,
} from './results.js';
import type { DiagnoseParams, Store } from './store.js';
// From its own file, so that the types of the library's users reach no further than they need.
import type { MaintainParams } from './store/maintainer.js';
import { takeOrWait } from './take-or-wait.js';
import { sleep } from './timer.js';
import { toName, toNewJob, toNewJobAgain } from './validate.js';
import { toFileName, toImportedJob, toImportParams } from './validate-import.js';

/** How long (ms) calls that are under way when a queue is closed may take. */
export const CLOSE_MS = 2000;

/**
 * A delay queue over a store: the one door to it, for the commands, workers and the library's users.
 *
 * Every method rejects with a `DelayerError`: `usage` when it is called wrongly or the queue is closed,
 * else what the store answers. Only `scan` throws at once when it is called wrongly.
 */
export class Queue {
  readonly #store: Store;
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(store: Store) {
    this.#store = store;
  }

  /** The store's name for people and logs, without its password. */
  get label(): string {
    return this.#store.label;
  }

  /** Has a call of this queue created its store? Undefined where that cannot be told. */
  get isNew(): boolean | undefined {
    return this.#store.isNew;
  }

  /** How often the connection to the store was re-established; 0 where there is none. */
  get reconnects(): number {
    return this.#store.reconnects ?? 0;
  }

  /** Do due jobs have to be moved before they can be taken? Then a daemon is useful. */
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
    // Does not call `pushMany`: each awaited function takes a hundredth of a single push.
    const onExisting = toOnExisting(options);
    const job = toNewJob(request);
    const [result] = await this.#ask((store) => store.push({ jobs: [job], onExisting }));
    if (!result) throw new DelayerError('internal', 'the store did not answer a push');
    const receipt: PushReceipt = { id: job.id, outcome: result.outcome, dueAt: result.dueAt };
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
    const onExisting = toOnExisting(options);
    assertList(requests, 'jobs');
    return this.pushChecked(requests.map(toNewJob), onExisting);
  }

  /** @internal As `pushMany`, for jobs that `toNewJob` has checked. */
  async pushChecked(jobs: readonly NewJob[], onExisting: OnExisting = 'refuse'): Promise<PushReceipt[]> {
    const results = jobs.length === 0 ? [] : await this.#ask((store) => store.push({ jobs, onExisting }));
    // Field by field: copying a result with a spread takes a tenth of its push.
    return results.map(({ outcome, dueAt }, i) => ({ id: jobs[i]?.id ?? Buffer.alloc(0), outcome, dueAt }));
  }

  /**
   * Takes in jobs as they were in another store, or in this one before: with their due times, expiry, attempts, key,
   * history and order, and dead letters as dead letters. A job that was leased is in line again.
   *
   * With `progress` a file is imported in calls that name its lines. A call that is repeated, by any process, does
   * nothing, so it restores no job that was taken meanwhile. Lines that were refused can be tried again: `retryOf`.
   * @throws DelayerError `usage` before anything is taken in; when the store fails, those before may be in
   */
  async import(jobs: readonly ImportRequest[], options: ImportOptions = {}): Promise<Imported> {
    assertList(jobs, 'jobs');
    return this.importChecked(jobs.map(toImportedJob), options);
  }

  /** @internal As `import`, for jobs that `toImportedJob` has checked. */
  async importChecked(jobs: readonly ImportedJob[], options: ImportOptions = {}): Promise<Imported> {
    const params = toImportParams(jobs, options);
    if (jobs.length === 0 && !params.progress) return { outcomes: [] };
    return this.#ask((store) => store.import(params));
  }

  /**
   * How far a file was imported with `progress`, and which of its lines were refused; line 0 when nothing was, or
   * longer than 30 days ago.
   */
  async importProgress(file: string): Promise<FileProgress> {
    const name = toFileName(file);
    return this.#ask((store) => store.importProgress(name));
  }

  /** Takes the ready job that is due first, of the first topic that has one, at most once; nothing when there is none. */
  async pop(topics: Topics, options: PopOptions = {}): Promise<Job | undefined> {
    // Does not call `popMany`, for the reason given in `push`.
    const params = toPopParams(topics, 1, options);
    const onEvent = toListener(options.onEvent);
    const popped = await this.#ask((store) => store.pop(params));
    tellOfBurials(popped, onEvent);
    tellOfPause(popped, onEvent);
    return popped.jobs[0];
  }

  /** Takes up to `count` ready jobs, at most once. It may take fewer than are ready; `[]` when none is. */
  async popMany(topics: Topics, count: number, options: PopOptions = {}): Promise<Job[]> {
    const params = toPopParams(topics, count, options);
    const onEvent = toListener(options.onEvent);
    const popped = await this.#ask((store) => store.pop(params));
    tellOfBurials(popped, onEvent);
    tellOfPause(popped, onEvent);
    return popped.jobs;
  }

  /** Takes a job as `pop` does, waiting for one. Nothing when the time is over or the signal aborts. */
  async bpop(topics: Topics, options: BpopOptions = {}): Promise<Job | undefined> {
    return (await this.bpopMany(topics, 1, options))[0];
  }

  /**
   * As {@link bpop}, up to `count` jobs once one is there. A store that goes away is waited for, as long as
   * the time is not over; only the first contact has to succeed.
   */
  async bpopMany(topics: Topics, count: number, options: BpopOptions = {}): Promise<Job[]> {
    const params = toPopParams(topics, count, options);
    const onEvent = toListener(options.onEvent);
    const { topics: names, signal } = params;
    const taking = {
      label: this.label,
      take: async () => {
        const popped = await this.#ask((store) => store.pop(params));
        tellOfBurials(popped, onEvent);
        return popped;
      },
      wait: (maxMs: number, since: number | undefined) =>
        this.#wait((store) => store.waitForReady({ topics: names, maxMs, signal, since })),
      onEvent,
    };
    const popped = await takeOrWait(taking, params);
    if (popped) tellOfPause(popped, onEvent);
    return popped?.jobs ?? [];
  }

  /** Leases up to `limit` ready jobs until they are acknowledged, nacked, released, or `leaseMs` is over. */
  async reserve(request: ReserveRequest): Promise<Reserved> {
    const params = toReserveParams(request);
    return this.#ask((store) => store.reserve(params));
  }

  /**
   * Ends leases of jobs that are done; the jobs are gone. Answers, in order, whether each was still held.
   */
  async ack(leases: readonly LeaseLike[], options: CallOptions = {}): Promise<boolean[]> {
    const params = toLeaseParams(leases, options);
    return params.leases.length === 0 ? [] : this.#ask((store) => store.ack(params));
  }

  /**
   * Ends leases of jobs that failed. Answers, in order, whether each job is tried again, is dead, or was not held
   * any more.
   */
  async nack(leases: readonly LeaseLike[], options: NackOptions = {}): Promise<NackResult[]> {
    const params = toNackParams(leases, options);
    return params.leases.length === 0 ? [] : this.#ask((store) => store.nack(params));
  }

  /** Gives leased jobs back as if they had never been reserved; answers, in order, whether each was still held. */
  async release(leases: readonly LeaseLike[], options: CallOptions = {}): Promise<boolean[]> {
    const params = toLeaseParams(leases, options);
    return params.leases.length === 0 ? [] : this.#ask((store) => store.release(params));
  }

  /**
   * Makes leases end `leaseMs` from now. Answers, in order, when each ends; undefined when it was not held any more.
   */
  async extend(
    leases: readonly LeaseLike[],
    leaseMs: number,
    options: CallOptions = {},
  ): Promise<(Date | undefined)[]> {
    const params = toExtendParams(leases, leaseMs, options);
    return params.leases.length === 0 ? [] : this.#ask((store) => store.extend(params));
  }

  /** Takes or renews a lock; false when another owner has it. */
  async lock(lock: Lock): Promise<boolean> {
    const params = toLockParams(lock);
    return this.#ask((store) => store.lock(params));
  }

  /** Frees a lock if this owner has it. */
  async unlock(lock: Lock): Promise<void> {
    const params = toLockParams(lock);
    await this.#ask((store) => store.unlock(params));
  }

  /**
   * Pushes back jobs that were popped and could not be delivered.
   * @returns the ids that are not back: another job has taken their id
   */
  async restore(jobs: readonly Job[]): Promise<Bytes[]> {
    assertList(jobs, 'jobs');
    const again = jobs.map(toNewJobAgain);
    const results = await this.pushChecked(again, 'keep');
    return results.flatMap(({ id, outcome }) => (outcome === 'pushed' ? [] : [id]));
  }

  /** Removes a job that is not due yet; false when there is none, or it is due. */
  async remove(id: TextOrBytes): Promise<boolean> {
    return (await this.removeMany([id]))[0]?.removed ?? false;
  }

  /**
   * Removes jobs that are in one of these states (`delayed` when absent) and are as they are believed to be.
   * Answers, in order, whether each was removed, and what it was.
   */
  async removeMany(
    jobs: readonly (TextOrBytes | RemoveRequest)[],
    options: { states?: readonly JobState[] | 'any' | undefined } = {},
  ): Promise<RemoveResult[]> {
    const params = toRemoveParams(jobs, options);
    return params.jobs.length === 0 ? [] : this.#ask((store) => store.remove(params));
  }

  /**
   * Makes delayed jobs ready at once, before all others of their topics. Answers, in order, whether each was
   * promoted, and what it was.
   */
  async promote(
    jobs: readonly (TextOrBytes | JobReference)[],
    options: PromoteOptions = {},
  ): Promise<PromoteResult[]> {
    const params = toPromoteParams(jobs, options);
    return params.jobs.length === 0 ? [] : this.#ask((store) => store.promote(params));
  }

  /**
   * Gives delayed jobs another due time, from which their whole ready lifetime counts. Answers, in order, whether
   * each was rescheduled, what it was, and when it is due.
   */
  async reschedule(requests: readonly RescheduleRequest[]): Promise<RescheduleResult[]> {
    const params = toRescheduleParams(requests);
    return params.jobs.length === 0 ? [] : this.#ask((store) => store.reschedule(params));
  }

  /**
   * Gives a job that is delayed, due or ready another body or ready lifetime; it keeps its place. Answers whether it
   * did, and what the job was.
   */
  async edit(request: EditRequest): Promise<EditResult> {
    const params = toEditParams(request);
    return this.#ask((store) => store.edit(params));
  }

  /**
   * Leases jobs that are delayed, due or ready on behalf of an operator. Answers, in order, whether each is held
   * now, and by which lease. `ack` of such a lease removes the job; when it is released, or its time is over, the
   * job is what it was before.
   */
  async hold(jobs: readonly HoldRequest[], options: HoldOptions): Promise<HoldResult[]> {
    const params = toHoldParams(jobs, options);
    return params.jobs.length === 0 ? [] : this.#ask((store) => store.hold(params));
  }

  /**
   * Makes dead letters jobs again, the latest one of each id, and expired jobs whose bodies are there (SQLite). Answers
   * in order.
   */
  async requeue(
    letters: readonly (TextOrBytes | RequeueRequest)[],
    options: RequeueOptions = {},
  ): Promise<RequeueResult[]> {
    const params = toRequeueParams(letters, options);
    return params.jobs.length === 0 ? [] : this.#ask((store) => store.requeue(params));
  }

  /** Keeps topics from every consumer of delayer, for `forMs` or until `resume`. */
  async pause(topics: Topics, options: { forMs?: number | undefined } = {}): Promise<void> {
    const params = toPauseParams(topics, options);
    await this.#ask((store) => store.pause(params));
  }

  /** Ends a pause; does nothing where there is none. */
  async resume(topics: Topics): Promise<void> {
    const params = toPauseParams(topics, {});
    await this.#ask((store) => store.resume(params));
  }

  /** Counts jobs by topic and state. Without `exact` it takes some tenths of a second, however many there are. */
  async stats(options: StatsOptions = {}): Promise<Stats> {
    const params = toStatsParams(options);
    return this.#ask((store) => store.stats(params));
  }

  /** How many jobs are due in each of the next steps of time. */
  async dueCounts(request: DueCountsRequest): Promise<DueCounts> {
    const params = toDueCountsParams(request);
    return this.#ask((store) => store.dueCounts(params));
  }

  /**
   * What is wrong with the store; `[]` when nothing is. Without `exact` it is quick, and does not look for ready
   * lists of a wrong type.
   */
  async health(options: { exact?: boolean | undefined } = {}): Promise<Problem[]> {
    const params = toStatsParams(options);
    return this.#ask((store) => store.health(params));
  }

  /** Lists jobs of topics, page by page. */
  async list(topics: Topics, query: ListQuery = {}): Promise<JobPage> {
    const params = toListParams(topics, query);
    return this.#ask((store) => store.list(params));
  }

  /**
   * All jobs that a query selects, part by part; of all topics when none is named. Parts may be empty. It is no
   * snapshot: a job that stays where it is comes once, one that moves on meanwhile at least once. Jobs may be acted
   * on as they come.
   */
  scan(query: ScanQuery = {}): AsyncIterable<ScanPart> {
    const params = toScanParams(query);
    return this.#parts((store) => store.scan(params));
  }

  /** Finds the jobs of an id; `[]` when there is none, several when it was pushed again while leased or dead. */
  async find(id: TextOrBytes): Promise<JobRecord[]> {
    const params = { id: toName(id, 'id') };
    return this.#ask((store) => store.find(params));
  }

  /** Jobs with a flaw: those that `stats` counts among its problems. */
  async findFlawed(options: { limit?: number | undefined } = {}): Promise<FlawedJobs> {
    const params = toFlawedParams(options);
    return this.#ask((store) => store.findFlawed(params));
  }

  /**
   * @internal Looks for everything that is wrong with the store, part by part. Faults that belong to no topic are
   *   never left out.
   */
  async *diagnose({ topics }: DiagnoseParams): AsyncGenerator<DiagnosisPart> {
    const names = topics && new Set(topics.map((topic) => topic.toString('latin1')));
    const isMeant = ({ topic }: Fault) => !names || !topic || names.has(topic.toString('latin1'));
    for await (const part of this.#parts((store) => store.diagnose({ topics })))
      yield { ...part, faults: part.faults.filter(isMeant) };
  }

  /** @internal Mends faults found by `diagnose` whose remedy is `mend`. Answers, in order, whether each was mended. */
  async mend(faults: readonly Fault[]): Promise<boolean[]> {
    return faults.length === 0 ? [] : this.#ask((store) => store.mend({ faults }));
  }

  /** @internal Versions, settings and sizes, without bodies, ids and passwords. */
  async describe(): Promise<Description> {
    return this.#ask((store) => store.describe());
  }

  /** One bounded step of what a daemon does. */
  async maintain(options: MaintainParams = {}): Promise<Maintenance> {
    const params = toMaintainParams(options);
    return this.#ask((store) => store.maintain(params));
  }

  /** Announces, for some seconds, that a daemon of this name is at work, with what it reports of itself. */
  async announce(daemon: string, report: DaemonReport = {}): Promise<void> {
    const params = toAnnounceParams(daemon, report);
    await this.#ask((store) => store.announce(params));
  }

  /** The daemons that were seen in the last seconds; `[]` when there is none, or none is needed. */
  async daemons(): Promise<Daemon[]> {
    return this.#ask((store) => store.daemons());
  }

  /**
   * Addresses of clients that poll the store as the original daemon does; `[]` when there is none, or when daemons
   * are not needed. A look that finds one for the first time takes a second longer. Undefined when it cannot be
   * known: the user of the store may not list clients, or there are more than a thousand.
   */
  async originalDaemons(options: CallOptions = {}): Promise<string[] | undefined> {
    const limits = toCallLimits(options);
    return this.#ask((store) => store.originalDaemons(limits));
  }

  /** Takes an announcement back. */
  async retire(daemon: string): Promise<void> {
    const params = toDaemonParams(daemon);
    await this.#ask((store) => store.retire(params));
  }

  /** Returns when a job of the topics may be ready, when the time is over, or when aborted; takes nothing. */
  async waitForReady(topics: Topics, options: ReadyWaitOptions = {}): Promise<void> {
    const params = toReadyWaitParams(topics, options);
    await this.#wait((store) => store.waitForReady(params));
  }

  /** Returns when a push may have changed the next due time, when the time is over, or when aborted. */
  async waitForPush(options: PushWaitOptions = {}): Promise<void> {
    const params = toPushWaitParams(options);
    await this.#wait((store) => store.waitForPush(params));
  }

  /** The store's clock. */
  async now(): Promise<Date> {
    return this.#ask((store) => store.now());
  }

  /**
   * Closes the store, after the calls that are under way have ended; they have two seconds for that, and are
   * rejected then. Waiting calls and later ones are rejected at once (`usage`). Closing again does nothing.
   */
  async close(): Promise<void> {
    this.#closing ??= this.#end();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #end(): Promise<void> {
    if (this.#underWay.size > 0) {
      await sleep(CLOSE_MS, undefined, (wake) => void Promise.allSettled(this.#underWay).then(wake));
    }
    await this.lastWork();
    await this.#store.close();
  }

  /** @internal Ends what needs the store although the queue is being closed; nothing here. */
  protected lastWork(): Promise<void> {
    return Promise.resolve();
  }

  async *#parts<T>(start: (store: Store) => AsyncIterable<T>): AsyncGenerator<T> {
    const parts = (await this.#wait((store) => Promise.resolve(start(store))))[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#ask(() => parts.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await parts.return?.();
    }
  }

  /** Calls the store; `close` waits for it for a while. */
  async #ask<T>(ask: (store: Store) => Promise<T>): Promise<T> {
    // Does not call `#wait`: each awaited function takes a hundredth of a single push.
    this.assertOpen();
    const asked = ask(this.#store);
    this.#underWay.add(asked);
    try {
      return await asked;
    } finally {
      this.#underWay.delete(asked);
    }
  }

  /** Calls something that only waits; `close` ends it. */
  async #wait<T>(wait: (store: Store) => Promise<T>): Promise<T> {
    this.assertOpen();
    return wait(this.#store);
  }

  /** @internal @throws DelayerError `usage` once the queue is being closed */
  protected assertOpen(): void {
    if (this.#closing) throw new DelayerError('usage', `The queue ${this.label} is closed`);
  }
}

function tellOfBurials({ buried = [] }: Popped, onEvent: OnEvent | undefined): void {
  for (const letter of buried) onEvent?.({ type: 'job_dead', ...letter });
}

function tellOfPause({ jobs, isPaused }: Popped, onEvent: OnEvent | undefined): void {
  if (isPaused === true && jobs.length === 0) onEvent?.({ type: 'topics_paused' });
}
