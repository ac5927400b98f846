import { DELIVERY_LEASE_MS } from '../core/lease.js';
import type { Queue } from '../core/queue.js';
import type { Reserved } from '../core/results.js';
import type { JobEvent } from '../core/events.js';
import { onAbort } from '../core/timer.js';
import { toCount } from '../core/check.js';
import { Acknowledger, type AckListener } from './acknowledge.js';
import { Bounds } from './bounds.js';
import { type Counts, newCounts } from './counts.js';
import { Deliverer, type DeliveryListener } from './deliver.js';
import { Failures } from './failures.js';
import { Fetcher } from './fetch.js';
import { type HeldJob, LeaseKeeper } from './keep-leases.js';
import type { StoreCall } from './keep-going.js';
import type { WorkerOptions } from './options.js';
import { Supply, type SupplyListener } from './supply.js';
import { Outcomes } from './outcomes.js';

/**
 * Connects the parts of a worker: whenever something has ended (a reserve, a call of the handler, a wait), it begins
 * what can be begun. It ends when nothing is under way and nothing can be begun.
 */
export class Worker implements AckListener, DeliveryListener, SupplyListener {
  readonly counts: Counts;
  private readonly handledBefore: number;
  private readonly outcomes: Outcomes;
  private readonly leases: LeaseKeeper;
  private readonly acks: Acknowledger;
  private readonly fetcher: Fetcher;
  private readonly supply: Supply;
  private readonly deliverer: Deliverer;
  /** Ends waits when the worker ends, for whatever reason. */
  private readonly ending = new AbortController();
  private readonly bounds: Bounds;
  /** How many failures of the store are being waited out. */
  private outages = 0;
  private readonly failures = new Failures();
  private wake: () => void = () => undefined;

  constructor(
    queue: Queue,
    private readonly options: WorkerOptions,
  ) {
    const { topics, handler, leaseMs = DELIVERY_LEASE_MS, counts = newCounts() } = options;
    toCount(handler.concurrency, 'concurrency');
    toCount(handler.batchSize, 'batch size');
    this.counts = counts;
    this.handledBefore = counts.handled;
    this.bounds = new Bounds(options);
    const { holder, lock, timeoutMs, retry = false as const, keepGoing, waitsForLock = false } = options;
    const { knowsLeases = false } = handler;
    const limits = () => this.bounds.limits(options.signal);
    const { halt, onJob } = options;
    const tellsEachJob = onJob !== undefined;
    this.outcomes = new Outcomes(counts, { tellsEachJob, halt, onJob: (event) => this.onJob(event) });
    this.leases = new LeaseKeeper(queue, leaseMs, knowsLeases, () => this.onLost(), limits);
    this.acks = new Acknowledger(queue, this.outcomes, { knowsLeases, listener: this, limits });
    this.fetcher = new Fetcher(
      queue,
      {
        ...{ topics, handler, leaseMs, retry, holder, lock },
        limits: () => this.bounds.limits(this.ending.signal),
        onWaitedTooLong: (jobs) => this.giveBack(jobs),
      },
      this.leases,
    );
    const ending = this.ending.signal;
    this.supply = new Supply(this.fetcher, this.bounds, { keepGoing, waitsForLock, ending }, this);
    this.deliverer = new Deliverer(
      { handler, timeoutMs, tellsEachJob },
      { leases: this.leases, acks: this.acks, lock },
      this,
    );
  }

  /** @throws what the handler was rejected with, or what the store failed with */
  async run(): Promise<void> {
    const { signal, abort } = this.options;
    const forget = [onAbort(signal, () => this.wake()), onAbort(abort, () => this.deliverer.stopAll())];
    this.leases.start();
    try {
      this.advance();
      while (!this.isAtRest) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        this.advance();
      }
      this.giveBack(this.fetcher.rest());
      await this.acks.settle();
    } finally {
      this.leases.stop();
      this.fetcher.stop();
      this.bounds.stop();
      for (const one of forget) one();
    }
    this.failures.throwFirst();
  }

  /** How long (ms) until a job may be ready, as the last reserve that found none answered. */
  get nextInMs(): number | undefined {
    return this.supply.nextInMs;
  }

  get isClosed(): boolean {
    return this.deliverer.isClosed;
  }

  get isHalted(): boolean {
    return this.outcomes.isHalted;
  }

  get isOver(): boolean {
    return (
      this.options.signal.aborted ||
      this.isClosed ||
      this.isHalted ||
      this.failures.endTheWork ||
      this.bounds.leftMs === 0
    );
  }

  private get isAtRest(): boolean {
    if (this.supply.isUnderWay || this.outages > 0 || this.deliverer.callCount > 0) return false;
    if (this.isOver || this.outcomes.mayBeHalted) return this.isOver;
    return this.fetcher.aheadCount === 0 && (this.supply.isDrained || this.left <= 0);
  }

  /** How many more jobs may be reserved. */
  private get left(): number {
    const begun = this.counts.handled - this.handledBefore + this.deliverer.jobCount;
    return this.bounds.left(begun + this.fetcher.aheadCount);
  }

  private advance(): void {
    if (this.isOver) {
      if (this.isHalted && !this.ending.signal.aborted)
        this.options.onEvent?.({ type: 'worker_halted', failures: this.counts.failuresInARow });
      this.ending.abort();
      this.acks.flush();
    } else if (this.outcomes.mayBeHalted) {
      // The store tells whether those were failures.
      this.acks.flush();
    } else if (this.outages === 0 && !this.bounds.isHeldUp(() => this.wake())) {
      this.fetch();
      this.deliver();
    }
  }

  private fetch(): void {
    if (this.supply.isUnderWay || this.supply.isDrained) return;
    const room = Math.min(this.fetcher.room(this.deliverer), this.left);
    if (room <= 0) return;
    // Together with the reserve: on SQLite they share a commit, on Redis a round trip.
    this.acks.flush();
    const limit = Math.min(room, this.bounds.mayStart - this.fetcher.aheadCount);
    if (limit > 0) this.supply.begin(limit);
    else this.supply.waitForStart();
  }

  private deliver(): void {
    const { concurrency, batchSize } = this.options.handler;
    const { fetcher, deliverer } = this;
    while (fetcher.isReady(this.supply.isAsking) && deliverer.callCount < concurrency && !this.isOver) {
      const jobs = fetcher.next(batchSize);
      this.bounds.onStarted(jobs.length);
      deliverer.begin(jobs);
    }
  }

  onSupply(): void {
    this.wake();
  }

  onBuried(letters: NonNullable<Reserved['buried']>): void {
    for (const letter of letters) this.onJob({ type: 'job_dead', ...letter });
  }

  async onReserveFailed(error: unknown): Promise<boolean> {
    return this.waitForRetry(error, 'reserve');
  }

  onCallEnded(jobs: readonly HeldJob[], ms: number): void {
    this.fetcher.onCallEnded(ms);
    const { prefetch } = this.options.handler;
    // Jobs leased ahead are acknowledged by whole reservations.
    if (prefetch !== 'always' || jobs.some(({ reservation }) => reservation.unfinished === 0))
      this.acks.flushSoon();
    this.wake();
  }

  onHandlerFailed(error: unknown): void {
    this.failures.add('handler', error);
  }

  async onRefreshFailed(error: unknown): Promise<void> {
    await this.waitForRetry(error, 'extend');
  }

  onAcked(): void {
    this.options.keepGoing?.onAnswer('ack', 0);
  }

  onNacked(): void {
    this.wake();
  }

  onSettled(): void {
    this.acks.flushSoon();
    this.wake();
  }

  async onAckFailed(error: unknown, wereHandled: boolean): Promise<boolean> {
    if (!(await this.waitForRetry(error, wereHandled ? 'ack' : 'release'))) return false;
    this.acks.forgetFailures();
    if (!this.options.signal.aborted) return true;
    // It was not waited for until it works, because the worker is to end.
    if (wereHandled) this.failures.add('ack', error);
    return false;
  }

  onJob(event: JobEvent): void {
    if (event.type === 'job_dead') this.options.onEvent?.(event);
    this.options.onJob?.(event);
  }

  /** Releases jobs that were leased and not begun. */
  private giveBack(jobs: readonly HeldJob[]): void {
    for (const job of jobs) this.acks.add(job, 'release');
    this.acks.flushSoon();
  }

  private onLost(): void {
    this.fetcher.dropLost();
    this.deliverer.stopLost();
    this.acks.flushSoon();
    this.wake();
  }

  /** Waits, and answers whether the worker goes on after a failure of the store. */
  private async waitForRetry(error: unknown, call: StoreCall): Promise<boolean> {
    const { keepGoing } = this.options;
    this.outages += 1;
    const goesOn = (await keepGoing?.waitForRetry(error, call, this.ending.signal)) ?? false;
    this.outages -= 1;
    if (!goesOn) this.failures.add(call, error);
    this.wake();
    return goesOn;
  }
}
