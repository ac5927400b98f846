import { DELIVERY_LEASE_MS } from '../core/lease.js';
import type { Queue } from '../core/queue.js';
import type { CallOptions } from '../core/requests.js';
import type { Reserved } from '../core/results.js';
import type { JobEvent } from '../core/events.js';
import { type AbortSignalLike, monotonicMs, onAbort, sleep } from '../core/timer.js';
import { toCount } from '../core/check.js';
import { Acknowledger, type AckListener } from './acknowledge.js';
import { type Counts, newCounts } from './counts.js';
import { Deliverer, type DeliveryListener } from './deliver.js';
import { Fetcher } from './fetch.js';
import { type HeldJob, LeaseKeeper } from './keep-leases.js';
import type { LockKeeper } from './lock.js';
import type { DrainOptions } from './options.js';
import { StartLimiter } from './rate.js';

export interface WorkerOptions extends DrainOptions {
  /** On the monotonic clock: after it nothing is reserved or delivered. */
  readonly untilMs?: number | undefined;
  /** Added to by the worker; counts of its own when absent. */
  readonly counts?: Counts | undefined;
  readonly keepGoing?: KeepGoing | undefined;
  readonly lock?: LockKeeper | undefined;
  /** Where somebody else has the lock: does it wait, or end? */
  readonly waitsForLock?: boolean | undefined;
}

/** Which call of the store failed; `ack` is a nack as well. */
export type StoreCall = 'reserve' | 'extend' | 'ack' | 'release';

/** What lets a worker go on where a single pass ends. */
export interface KeepGoing {
  /** After a reserve that found none: resolves when there may be jobs, or when aborted. */
  waitForMore(found: Reserved, signal: AbortSignalLike): Promise<void>;
  /** Resolves with true when it is time to try again, or with false when the error does not pass by itself. */
  waitForRetry(error: unknown, call: StoreCall, signal: AbortSignalLike): Promise<boolean>;
  /** The store has answered a call; `jobs` is how many it reserved. */
  onAnswer(call: 'reserve' | 'ack', jobs: number): void;
}

/** A lock that somebody else has is asked for again after so long (ms) at most: its holder may free it at any time. */
const LOCK_POLL_MS = 1000;

/** Of several failures the first of these is thrown: what was done and is not known to the store matters most. */
const MOST_TELLING_FIRST = ['ack', 'handler', 'extend', 'reserve', 'release'] as const;

/**
 * Brings the parts together: whenever something has ended (a reserve, a call of the handler, a wait), it
 * begins what can be begun. It ends when nothing is under way and nothing can be begun.
 */
export class Worker implements AckListener, DeliveryListener {
  readonly counts: Counts;
  private readonly handledBefore: number;
  /** How long (ms) until a job may be ready, as the last reserve that found none answered. */
  nextInMs: number | undefined;
  private readonly leases: LeaseKeeper;
  private readonly acks: Acknowledger;
  private readonly fetcher: Fetcher;
  private readonly deliverer: Deliverer;
  /** Ends waits when the worker ends, for whatever reason. */
  private readonly ending = new AbortController();
  private readonly limiter: StartLimiter | undefined;
  private rateTimer: NodeJS.Timeout | undefined;
  private isFetching = false;
  /** Is a reserve under way? While it fetches, it may wait for jobs as well. */
  private isAsking = false;
  private isDrained = false;
  private hasToldOfHalt = false;
  /** Failures of the store that are being waited out. */
  private outages = 0;
  private readonly failures: Partial<Record<StoreCall | 'handler', Error>> = {};
  private wake: () => void = () => undefined;

  constructor(
    queue: Queue,
    private readonly options: WorkerOptions,
  ) {
    const { topics, handler, leaseMs = DELIVERY_LEASE_MS, counts = newCounts(), rate } = options;
    toCount(handler.concurrency, 'concurrency');
    toCount(handler.batchSize, 'batch size');
    this.counts = counts;
    this.handledBefore = counts.handled;
    this.limiter = rate && new StartLimiter(rate);
    const { holder, lock, timeoutMs, onJob } = options;
    const { knowsLeases = false } = handler;
    const limits = () => this.limits(options.signal);
    const told = { knowsLeases, tellsEachJob: onJob !== undefined };
    this.leases = new LeaseKeeper(queue, leaseMs, knowsLeases, () => this.onLost(), limits);
    this.acks = new Acknowledger(queue, this.counts, { ...told, listener: this, limits });
    const reserving = { topics, handler, leaseMs, retry: options.retry ?? (false as const), holder, lock };
    this.fetcher = new Fetcher(
      queue,
      { ...reserving, limits: () => this.limits(this.ending.signal) },
      this.leases,
    );
    this.deliverer = new Deliverer({ ...told, handler, timeoutMs }, this.leases, this.acks, this);
  }

  /** @throws what the handler was rejected with, or what the store failed with */
  async run(): Promise<void> {
    const { signal, abort } = this.options;
    const forget = [
      onAbort(signal, () => {
        this.wake();
      }),
      onAbort(abort, () => {
        this.deliverer.stopAll();
      }),
    ];
    this.leases.start();
    try {
      this.advance();
      while (!this.isAtRest) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        this.advance();
      }
      for (const job of this.fetcher.rest()) this.acks.add(job, 'release');
      await this.acks.settle();
    } finally {
      this.leases.stop();
      clearTimeout(this.rateTimer);
      for (const one of forget) one();
    }
    for (const part of MOST_TELLING_FIRST) {
      if (this.failures[part] !== undefined) throw this.failures[part];
    }
  }

  get isClosed(): boolean {
    return this.deliverer.isClosed;
  }

  get isHalted(): boolean {
    return this.counts.failuresInARow >= (this.options.halt ?? Infinity);
  }

  get isOver(): boolean {
    const { ack, handler, extend } = this.failures;
    return (
      this.options.signal.aborted ||
      this.isClosed ||
      this.isHalted ||
      (ack ?? handler ?? extend) !== undefined ||
      monotonicMs() >= (this.options.untilMs ?? Infinity)
    );
  }

  /** No answer of the store is waited for much longer than the window or the signal, even of one that hangs. */
  private limits(signal: AbortSignalLike): CallOptions {
    const { untilMs } = this.options;
    return { signal, timeoutMs: untilMs && Math.max(0, untilMs - monotonicMs()) };
  }

  private get isAtRest(): boolean {
    if (this.isFetching || this.outages > 0 || this.deliverer.callCount > 0) return false;
    return this.isOver || (this.fetcher.aheadCount === 0 && (this.isDrained || this.left <= 0));
  }

  /** How many more jobs may be reserved. */
  private get left(): number {
    const begun = this.counts.handled - this.handledBefore + this.deliverer.jobCount;
    return (this.options.max ?? Infinity) - begun - this.fetcher.aheadCount;
  }

  private advance(): void {
    if (this.isOver) {
      this.tellOfHalt();
      this.ending.abort();
      this.acks.flush();
    } else if (this.outages === 0) {
      this.fetch();
      this.deliver();
    }
  }

  private tellOfHalt(): void {
    if (!this.isHalted || this.hasToldOfHalt) return;
    this.hasToldOfHalt = true;
    this.options.onEvent?.({ type: 'worker_halted', failures: this.counts.failuresInARow });
  }

  private fetch(): void {
    if (this.isFetching || this.isDrained) return;
    const room = Math.min(this.fetcher.room(this.deliverer), this.left);
    const limit = Math.min(room, this.mayStart);
    if (limit <= 0) {
      if (room > 0) this.wakeWhenOneMayStart();
      return;
    }
    // In one go with the reserve: to SQLite that is one commit, to Redis one round trip.
    this.acks.flush();
    this.isFetching = true;
    void this.reserve(limit).finally(() => {
      this.isFetching = false;
      this.wake();
    });
  }

  /** How many more jobs the rate allows to be reserved now. */
  private get mayStart(): number {
    return this.limiter ? this.limiter.free - this.fetcher.aheadCount : Infinity;
  }

  private wakeWhenOneMayStart(): void {
    const leftMs = (this.options.untilMs ?? Infinity) - monotonicMs();
    const waitMs = Math.min(this.limiter?.waitMs ?? 0, leftMs);
    clearTimeout(this.rateTimer);
    this.rateTimer = setTimeout(() => {
      this.wake();
    }, waitMs);
  }

  private async reserve(limit: number): Promise<void> {
    const { keepGoing, waitsForLock = false } = this.options;
    try {
      this.isAsking = true;
      const found = await this.fetcher.reserve(limit);
      this.isAsking = false;
      keepGoing?.onAnswer('reserve', found.jobs.length);
      for (const letter of found.buried ?? []) this.onJob({ type: 'job_dead', ...letter });
      if (found.jobs.length > 0) return;
      this.nextInMs = found.nextInMs;
      if (found.isLocked === true && waitsForLock) {
        await this.waitForLock(found);
        return;
      }
      this.isDrained = keepGoing === undefined;
      // A batch that is not full waits no longer.
      this.wake();
      await keepGoing?.waitForMore(found, this.ending.signal);
    } catch (error) {
      this.isAsking = false;
      // What is leased already is still delivered.
      if (!(await this.waitForRetry(error, 'reserve'))) this.isDrained = true;
    }
  }

  private async waitForLock({ nextInMs = Infinity }: Reserved): Promise<void> {
    const leftMs = (this.options.untilMs ?? Infinity) - monotonicMs();
    await sleep(Math.min(nextInMs, LOCK_POLL_MS, leftMs), this.ending.signal);
  }

  private deliver(): void {
    const { concurrency, batchSize } = this.options.handler;
    const { fetcher, deliverer } = this;
    while (fetcher.isReady(this.isAsking) && deliverer.callCount < concurrency && !this.isOver) {
      const jobs = fetcher.next(batchSize);
      this.limiter?.start(jobs.length);
      deliverer.begin(jobs);
    }
  }

  onCallEnded(jobs: readonly HeldJob[]): void {
    const { leasesAhead } = this.options.handler;
    // What was leased ahead is acknowledged by whole reservations.
    if (!leasesAhead || jobs.some(({ reservation }) => reservation.unfinished === 0)) this.acks.flushSoon();
    this.wake();
  }

  onHandlerFailed(error: unknown): void {
    this.failures.handler ??= toError(error);
  }

  async onRefreshFailed(error: unknown): Promise<void> {
    await this.waitForRetry(error, 'extend');
  }

  onAcked(): void {
    this.options.keepGoing?.onAnswer('ack', 0);
  }

  onSettled(): void {
    this.acks.flushSoon();
    this.wake();
  }

  async onAckFailed(error: unknown, wereHandled: boolean): Promise<boolean> {
    if (!(await this.waitForRetry(error, wereHandled ? 'ack' : 'release'))) return false;
    this.acks.forgetFailures();
    return !this.options.signal.aborted;
  }

  onJob(event: JobEvent): void {
    if (event.type === 'job_dead') this.options.onEvent?.(event);
    this.options.onJob?.(event);
  }

  private onLost(): void {
    this.fetcher.dropLost();
    this.deliverer.stopLost();
    this.acks.flushSoon();
    this.wake();
  }

  /** Answers whether the worker goes on after a failure of the store, when the time for that has come. */
  private async waitForRetry(error: unknown, call: StoreCall): Promise<boolean> {
    const { keepGoing } = this.options;
    this.outages += 1;
    const goesOn = (await keepGoing?.waitForRetry(error, call, this.ending.signal)) ?? false;
    this.outages -= 1;
    if (!goesOn) this.failures[call] = toError(error);
    this.wake();
    return goesOn;
  }
}

/** Anything can be thrown, and the absence of an error means that nothing has failed. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
