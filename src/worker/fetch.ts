import { POP_BATCH } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { CallOptions } from '../core/requests.js';
import type { Burial, Reserved } from '../core/results.js';
import type { RetryOptions } from '../core/retry-policy.js';
import { monotonicMs } from '../core/timer.js';
import type { Handler } from './handler.js';
import type { HeldJob, LeaseKeeper } from './keep-leases.js';
import { Lead, MAX_WAIT_MS } from './lead.js';
import type { LockKeeper } from './lock.js';

/**
 * Jobs leased with one call: enough to make round trips cheap, few enough to share a topic with other workers.
 */
const RESERVE_BATCH = 250;

export interface FetchOptions {
  readonly topics: readonly Buffer[];
  readonly handler: Handler;
  readonly leaseMs: number;
  /** What becomes of jobs that fail; false: they come back however often. */
  readonly retry: RetryOptions | false;
  /** Who reserves, for people: `host:pid`. */
  readonly holder: string | undefined;
  readonly lock: LockKeeper | undefined;
  /** How long an answer of the store is waited for. */
  readonly limits: () => CallOptions;
  /** Is called with jobs that were leased and could not be begun soon, so that other workers get them. */
  readonly onWaitedTooLong: (jobs: readonly HeldJob[]) => void;
}

/** What the handler is doing. */
export interface Load {
  /** Calls of the handler under way. */
  readonly callCount: number;
  /** Jobs in those calls. */
  readonly jobCount: number;
}

/** Reserves jobs before the handler asks for them. */
export class Fetcher {
  private ahead: HeldJob[] = [];
  /** Were jobs left because the bytes of a call were full? */
  private hasLeftSome = false;
  private readonly lead: Lead;
  private waitTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly options: FetchOptions,
    private readonly leases: LeaseKeeper,
  ) {
    this.lead = new Lead(options.handler);
  }

  /** Jobs that are leased and not given to the handler yet. */
  get aheadCount(): number {
    return this.ahead.length;
  }

  /** How many jobs are to be reserved now; 0 when none. */
  room({ callCount, jobCount }: Load): number {
    const { concurrency, batchSize, batchBytes = Infinity, prefetch } = this.options.handler;
    if (prefetch !== 'always') {
      // Jobs are large: those that are there fill the calls that may begin.
      if (batchBytes < Infinity && bytesOf(this.ahead) >= (concurrency - callCount) * batchBytes) return 0;
      const { jobs: lead } = this.lead;
      const free = concurrency * batchSize + lead - callCount * batchSize - this.ahead.length;
      // Fetches when half of the lead is used up, so that fewer requests bring as many jobs.
      return free > lead / 2 ? Math.min(free, POP_BATCH) : 0;
    }
    // One whole reservation ahead of the one in hand, never a part of one: a whole reservation is acknowledged at
    // once, together with the next reserve.
    const free = 2 * Math.max(RESERVE_BATCH, concurrency * batchSize) - jobCount - this.ahead.length;
    return free < RESERVE_BATCH ? 0 : RESERVE_BATCH;
  }

  async reserve(limit: number): Promise<Reserved> {
    const { topics, leaseMs, retry, holder, lock, limits } = this.options;
    const sentAtMs = monotonicMs();
    const reserved = await this.queue.reserve({
      ...{ topics, limit, leaseMs, retry, holder, lock: lock?.lock },
      ...limits(),
    });
    lock?.onReserved(reserved.isLocked === true, sentAtMs);
    if (reserved.jobs.length > 0) this.ahead.push(...this.leases.add(reserved.jobs, sentAtMs));
    this.watchWait();
    return reserved;
  }

  /** Looks whether a job is ready, or may be, and takes none. Does what a reserve does before it looks. */
  async look(): Promise<{ isAnyReady: boolean; buried: readonly Burial[] }> {
    const { more, buried = [] } = await this.queue.maintain();
    if (more) return { isAnyReady: true, buried };
    const { jobs } = await this.queue.list(this.options.topics, { states: ['ready'], limit: 1 });
    return { isAnyReady: jobs.length > 0, buried };
  }

  onCallEnded(ms: number): void {
    this.lead.onCallEnded(ms);
  }

  stop(): void {
    clearTimeout(this.waitTimer);
  }

  /** Makes sure that jobs that have waited for MAX_WAIT_MS are given back. */
  private watchWait(): void {
    const [first] = this.ahead;
    const { batchSize, prefetch } = this.options.handler;
    // The jobs of a batch wait until it is full; those that did not fit into one wait for the call before.
    const mayWait = prefetch === 'always' || (batchSize > 1 && !this.hasLeftSome);
    if (first === undefined || mayWait || this.waitTimer !== undefined) return;
    const waitMs = first.reservation.reservedAtMs + MAX_WAIT_MS - monotonicMs();
    this.waitTimer = setTimeout(
      () => {
        this.waitTimer = undefined;
        this.takeOutOld();
        this.watchWait();
      },
      Math.max(0, waitMs),
    );
  }

  private takeOutOld(): void {
    const sinceMs = monotonicMs() - MAX_WAIT_MS;
    const fresh = this.ahead.findIndex(({ reservation }) => reservation.reservedAtMs > sinceMs);
    const old = this.ahead.splice(0, fresh === -1 ? this.ahead.length : fresh);
    if (old.length === 0) return;
    this.lead.onWaitedTooLong();
    this.options.onWaitedTooLong(old);
  }

  /** Are there as many jobs as a call takes, or all that will come for now? */
  isReady(isAsking: boolean): boolean {
    const { batchSize, prefetch } = this.options.handler;
    if (!isAsking || prefetch === 'always') return this.ahead.length > 0;
    return this.ahead.length >= batchSize || this.fitting(batchSize) < this.ahead.length;
  }

  /** The next jobs to deliver. Jobs leased ahead are delivered reservation by reservation. */
  next(most: number): HeldJob[] {
    if (this.options.handler.prefetch !== 'always') {
      const batch = this.ahead.splice(0, this.fitting(most));
      this.hasLeftSome = batch.length < most && this.ahead.length > 0;
      this.watchWait();
      return batch;
    }
    const reservation = this.ahead[0]?.reservation;
    const limit = Math.min(most, this.ahead.length);
    let count = 0;
    while (count < limit && this.ahead[count]?.reservation === reservation) count += 1;
    return this.ahead.splice(0, count);
  }

  /** How many of the next jobs a call takes: up to `most`, and no more than its bytes allow, but one at least. */
  private fitting(most: number): number {
    const { batchBytes = Infinity } = this.options.handler;
    const limit = Math.min(most, this.ahead.length);
    if (batchBytes === Infinity) return limit;
    let bytes = 0;
    for (let count = 0; count < limit; count += 1) {
      bytes += sizeOf(this.ahead[count]);
      if (bytes > batchBytes && count > 0) return count;
    }
    return limit;
  }

  rest(): HeldJob[] {
    return this.ahead.splice(0);
  }

  /** Jobs whose leases were lost are not delivered. */
  dropLost(): void {
    for (const { isLost, reservation } of this.ahead) if (isLost) reservation.unfinished -= 1;
    this.ahead = this.ahead.filter(({ isLost }) => !isLost);
  }
}

const bytesOf = (held: readonly HeldJob[]): number => held.reduce((sum, one) => sum + sizeOf(one), 0);

function sizeOf(held: HeldJob | undefined): number {
  return held ? held.job.id.length + held.job.topic.length + held.job.body.length : 0;
}
