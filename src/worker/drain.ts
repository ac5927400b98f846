import { monotonicMs, pause } from '../core/timer.js';
import { DelayerError } from '../core/errors.js';
import { HANDOVER_LEASE_MS } from '../core/lease.js';
import type { LeasedJob } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { backoffMs } from '../core/backoff.js';

/** Takes jobs over, in order. Resolves with how many it has whole; fewer than given means that it takes no more. */
export type Sink = (jobs: readonly LeasedJob[]) => Promise<number>;

export interface DrainOptions {
  readonly topic: Buffer;
  readonly sink: Sink;
  /** Jobs of one pass; all when absent. */
  readonly max?: number | undefined;
  /** Ends the work after the jobs in hand. */
  readonly signal: AbortSignal;
  /** Hears of every answer of the store. */
  readonly onContact?: () => void;
}

/** How a pass ended. */
export interface Pass {
  readonly drained: number;
  /** Jobs handed over whose lease had run out by then: another consumer may have them too. */
  readonly overdue: number;
  /** Does the sink take no more? */
  readonly closed: boolean;
  /** Until the next job is due or the next lease ends (ms), when the pass found nothing more. */
  readonly nextInMs?: number | undefined;
}

/** Jobs leased at a time: enough to make round trips cheap, few enough to share a topic with other workers. */
const LEASE_BATCH = 250;
/** Jobs handed to the sink at a time: what dies with the reader of a pipe is little more than the pipe holds. */
const HANDOVER_BATCH = 50;
const RENEW_MS = HANDOVER_LEASE_MS / 3;

/** Jobs leased together, as far as they are not handed over yet. */
interface Batch {
  jobs: readonly LeasedJob[];
  /** Was none ready? */
  readonly isEmpty: boolean;
  readonly nextInMs?: number | undefined;
  /** When their leases began or were renewed, on the clock that never jumps. */
  heldSince: number;
}

/**
 * Takes ready jobs until none is left: each is leased, handed over, and confirmed only then. What could
 * not be handed over is put back. While one batch is handed over the next one is leased.
 * @throws DelayerError; jobs in hand are put back, or come back when their lease ends
 */
export async function drainPass(queue: Queue, options: DrainOptions): Promise<Pass> {
  const handover = new Handover(queue, options);
  let nextInMs: number | undefined;
  try {
    nextInMs = await handOverAll(queue, options, handover);
  } finally {
    await handover.confirmed();
  }
  return { ...handover.result(), nextInMs };
}

/** @returns until the next event (ms), when it ended because nothing more was there */
async function handOverAll(
  queue: Queue,
  options: DrainOptions,
  handover: Handover,
): Promise<number | undefined> {
  const max = options.max ?? Infinity;
  /** Jobs leased and not lost. */
  let leased = 0;
  const leaseMore = (): Promise<Batch> | undefined => {
    const limit = Math.min(max - leased, LEASE_BATCH);
    if (limit <= 0 || handover.over) return undefined;
    const heldSince = monotonicMs();
    const batch = queue.lease(options.topic, limit, HANDOVER_LEASE_MS).then((taken) => {
      options.onContact?.();
      leased += taken.jobs.length;
      return { ...taken, isEmpty: taken.jobs.length === 0, heldSince };
    });
    // Its failure is heard when its turn comes.
    batch.catch(() => undefined);
    return batch;
  };
  let next = leaseMore();
  while (next) {
    const batch = await next;
    // In one go with the next lease: to SQLite that is one commit, to Redis one round trip.
    handover.confirm();
    if (batch.isEmpty) return batch.nextInMs ?? Infinity;
    next = leaseMore();
    const { unwritten, lost, failure } = await handover.pass(batch, next);
    leased -= lost;
    if (unwritten.length > 0 || failure !== undefined) {
      handover.confirm();
      const ahead = await next?.catch(() => undefined);
      await queue.putBack([...unwritten, ...(ahead?.jobs ?? [])]);
      if (failure !== undefined) throw failure;
      return undefined;
    }
    next ??= leaseMore();
  }
  return undefined;
}

/** What became of a batch. */
interface Passed {
  /** Jobs that are still leased and were not handed over. */
  readonly unwritten: readonly LeasedJob[];
  /** How many leases of it, and of the batch ahead, were lost before their jobs were handed over. */
  readonly lost: number;
  readonly failure?: Error;
}

/** Hands leased jobs over, and keeps their leases alive meanwhile. */
class Handover {
  private closed = false;
  private failed = false;
  private drained = 0;
  private overdue = 0;
  private unconfirmed = 0;
  /** Handed over, and not confirmed. */
  private done: readonly LeasedJob[] = [];
  private confirming = Promise.resolve();

  constructor(
    private readonly queue: Queue,
    private readonly options: DrainOptions,
  ) {}

  /** Is nothing more to be handed over? */
  get over(): boolean {
    return this.closed || this.failed || this.options.signal.aborted;
  }

  result(): Pass {
    return { drained: this.drained, overdue: this.overdue, closed: this.closed };
  }

  /** @param next is leased ahead, and renewed as well once it is there */
  async pass(batch: Batch, next: Promise<Batch> | undefined): Promise<Passed> {
    const written: LeasedJob[] = [];
    let ahead: Batch | undefined;
    void next?.then(
      (taken) => (ahead = taken),
      () => undefined,
    );
    let lost = 0;
    let until: Date | undefined;
    const renew = async () => {
      const now = monotonicMs();
      for (const held of ahead ? [batch, ahead] : [batch]) {
        held.heldSince = now;
        const renewed = await this.renewed(held.jobs);
        // What was handed over meanwhile is no longer among them.
        const current = held.jobs.flatMap((job) => {
          const until = renewed.get(job.lease);
          return until ? [{ ...job, leaseUntil: until }] : [];
        });
        lost += held.jobs.length - current.length;
        held.jobs = current;
        if (held === batch) until = current[0]?.leaseUntil;
      }
    };
    // A slow reader keeps this waiting for longer than a lease lasts.
    const renewal = setInterval(() => void renew().catch(() => undefined), RENEW_MS);
    let failure: Error | undefined;
    try {
      while (batch.jobs.length > 0 && !this.over) {
        // A process that was stopped for as long has to ask whether the leases are still its own.
        if (monotonicMs() - batch.heldSince > HANDOVER_LEASE_MS / 2) await renew();
        const before = batch.jobs;
        const inHand = before.slice(0, HANDOVER_BATCH);
        const count = await this.options.sink(inHand);
        this.closed = count < inHand.length;
        written.push(...inHand.slice(0, count));
        if (batch.jobs === before) batch.jobs = before.slice(count);
        else {
          // They were renewed meanwhile.
          const done = new Set(inHand.slice(0, count).map(({ lease }) => lease));
          batch.jobs = batch.jobs.filter(({ lease }) => !done.has(lease));
        }
      }
    } catch (error) {
      failure = error as Error;
    }
    clearInterval(renewal);
    // What was handed over before a renewal was renewed with the rest of its request.
    const done = until ? written.map((job) => ({ ...job, leaseUntil: until ?? job.leaseUntil })) : written;
    try {
      await this.confirming;
    } catch (error) {
      failure = error as Error;
    }
    this.done = done;
    // With the lease after the next one, or at once while the next one is still on its way.
    if (!ahead) await new Promise(setImmediate);
    if (!ahead) this.confirm();
    return { unwritten: batch.jobs, lost, ...(failure && { failure }) };
  }

  /** Lets leases last longer; answers until when, by lease, those that are still held. */
  private async renewed(jobs: readonly LeasedJob[]): Promise<Map<string, Date>> {
    const until = await this.queue.store.extend(jobs, HANDOVER_LEASE_MS);
    return new Map(jobs.flatMap(({ lease }, i) => (until[i] ? [[lease, until[i]]] : [])));
  }

  /** Begins to end the leases of what was handed over, and does not wait. Once it has failed, all is over. */
  confirm(): void {
    const jobs = this.done;
    this.done = [];
    if (jobs.length === 0) return;
    this.confirming = this.end(jobs);
    this.confirming.catch(() => {
      this.failed = true;
    });
  }

  /** Whatever came between, what was handed over is done. */
  async confirmed(): Promise<void> {
    this.confirm();
    await this.confirming;
  }

  private async end(jobs: readonly LeasedJob[]): Promise<void> {
    try {
      const held = await this.queue.confirm(jobs);
      this.overdue += held.filter((one) => !one).length;
      this.drained += jobs.length;
    } catch (error) {
      if (!(error instanceof DelayerError)) throw error;
      this.unconfirmed += jobs.length;
      throw new DelayerError(
        'outcome_unknown',
        `${error.message}; ${this.unconfirmed} jobs were handed over and could not be confirmed`,
        { hint: 'They may be handed over again when their lease ends.', cause: error },
      );
    }
  }
}

export interface LoopOptions extends DrainOptions {
  readonly stepMs: number;
  readonly forMs: number;
  readonly report: (message: string) => void;
}

/**
 * The cron loop: a pass at 0, step, 2 × step … until `forMs` are over. Passes keep to the clock of the
 * start; one that takes longer than a step is followed by the next one that is still to come. A pass
 * that fails is reported, and the next one tries again.
 * @returns the sum of the passes
 * @throws DelayerError of the last pass, when that failed
 */
export async function drainLoop(queue: Queue, options: LoopOptions): Promise<Pass> {
  const start = monotonicMs();
  let sum: Pass = { drained: 0, overdue: 0, closed: false };
  let failure: Error | undefined;
  for (let at = 0; at < options.forMs;) {
    await pause(start + at - monotonicMs(), options.signal);
    if (options.signal.aborted) break;
    try {
      failure = undefined;
      sum = add(sum, await drainPass(queue, options));
    } catch (error) {
      if (!(error instanceof DelayerError)) throw error;
      failure = error;
      if (at + options.stepMs < options.forMs) options.report(`${error.message}; the next pass tries again`);
    }
    if (sum.closed) break;
    at = Math.max(at + options.stepMs, Math.ceil((monotonicMs() - start) / options.stepMs) * options.stepMs);
  }
  if (failure !== undefined) throw failure;
  return sum;
}

export interface FollowOptions extends DrainOptions {
  readonly report: (message: string) => void;
}

/**
 * A worker: drains, waits for more, and so on until aborted, `max` jobs are handed over, or the sink
 * takes no more. A store that goes away is waited for; only the first contact has to succeed.
 */
export async function drainFollow(queue: Queue, options: FollowOptions): Promise<Pass> {
  let sum: Pass = { drained: 0, overdue: 0, closed: false };
  let failures = 0;
  const store = { reached: false };
  // Counted where they are handed over: a pass that fails in between has no answer.
  let left = options.max ?? Infinity;
  const sink: Sink = async (jobs) => {
    const count = await options.sink(jobs);
    left -= count;
    return count;
  };
  for (;;) {
    if (options.signal.aborted || sum.closed || left <= 0) return sum;
    try {
      const onContact = () => {
        store.reached = true;
      };
      const pass = await drainPass(queue, { ...options, sink, max: left, onContact });
      sum = add(sum, pass);
      if (failures > 0) options.report(`${queue.store.label} is back`);
      failures = 0;
      if (pass.nextInMs !== undefined) {
        await queue.store.waitForReady(options.topic, pass.nextInMs, options.signal);
      }
    } catch (error) {
      if (!store.reached || !(error instanceof DelayerError) || error.code === 'internal') throw error;
      if (failures === 0) options.report(`${error.message}; trying again until it works`);
      await pause(backoffMs(failures), options.signal);
      failures += 1;
    }
  }
}

function add(a: Pass, b: Pass): Pass {
  return { drained: a.drained + b.drained, overdue: a.overdue + b.overdue, closed: b.closed };
}
