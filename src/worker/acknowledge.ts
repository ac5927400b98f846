import { DelayerError } from '../core/errors.js';
import { jobCount } from '../core/job.js';
import type { CallOptions, NackOptions } from '../core/requests.js';
import type { Queue } from '../core/queue.js';
import type { Outcome } from './handler.js';
import type { HeldJob } from './keep-leases.js';

/** Jobs by how they ended; see DrainResult. */
export interface Counts {
  done: number;
  retried: number;
  dead: number;
  released: number;
  lateAcks: number;
  /** Finished by the handler, whether the store knows or not. */
  handled: number;
}

export function newCounts(): Counts {
  return { done: 0, retried: 0, dead: 0, released: 0, lateAcks: 0, handled: 0 };
}

/** Jobs that failed in the same way, and are nacked with one call. */
interface Failed {
  readonly options: NackOptions;
  readonly jobs: HeldJob[];
}

export interface AckListener {
  /** The store has answered an ack, a nack or a release. */
  onAcked(): void;
  /** @param wereHandled false for a release */
  onAckFailed(error: unknown, wereHandled: boolean): Promise<void>;
}

/** Ends leases by the outcomes of their jobs, in groups: what has come since the last `flush` goes with one call each. */
export class Acknowledger {
  private done: HeldJob[] = [];
  private released: HeldJob[] = [];
  private failed = new Map<string, Failed>();
  /** The next flush that `flushSoon` has planned. */
  private planned: object | undefined;
  private readonly underWay = new Set<Promise<void>>();
  /** Jobs that were handled and could not be acknowledged. */
  private unacknowledged = 0;

  constructor(
    private readonly queue: Queue,
    private readonly counts: Counts,
    private readonly listener: AckListener,
    /** How long an answer of the store is waited for. */
    private readonly limits: () => CallOptions,
  ) {}

  add(job: HeldJob, outcome: Outcome): void {
    job.reservation.unfinished -= 1;
    if (outcome === 'release') {
      this.released.push(job);
      return;
    }
    this.counts.handled += 1;
    if (outcome === 'done') this.done.push(job);
    else this.addFailed(job, toNack(outcome));
  }

  private addFailed(job: HeldJob, options: NackOptions): void {
    const key = JSON.stringify(options);
    const alike = this.failed.get(key);
    if (alike) alike.jobs.push(job);
    else this.failed.set(key, { options, jobs: [job] });
  }

  /** Begins to end the leases of all that was added, and does not wait. */
  flush(): void {
    const { done, failed, released } = this;
    this.planned = undefined;
    this.done = [];
    this.failed = new Map();
    this.released = [];
    // In the order of their leases: a store ends a whole reservation without looking at each job.
    if (done.length > 0) this.track(this.ack(done.sort((a, b) => a.order - b.order)));
    for (const { options, jobs } of failed.values()) this.track(this.nack(jobs, options));
    if (released.length > 0) this.track(this.release(released.sort((a, b) => a.order - b.order)));
  }

  /**
   * Flushes when the calls under way are answered, so that what comes meanwhile goes with it. The answer of
   * a reserve that went out with them is there by then, and the next reserve takes these acks along.
   */
  flushSoon(): void {
    if (this.planned) return;
    const plan = {};
    this.planned = plan;
    void Promise.all(this.underWay).then(() =>
      setImmediate(() => {
        // A flush in between took what was there then; what has come after it has a plan of its own.
        if (this.planned === plan) this.flush();
      }),
    );
  }

  /** Ends the leases of all that was added, and waits for the answers. */
  async settle(): Promise<void> {
    this.flush();
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  /** A worker that goes on after a failure counts anew. */
  forgetFailures(): void {
    this.unacknowledged = 0;
  }

  private track(call: Promise<void>): void {
    const tracked = call.finally(() => this.underWay.delete(tracked));
    this.underWay.add(tracked);
  }

  private async ack(jobs: readonly HeldJob[]): Promise<void> {
    const held = await this.answer(jobs, this.queue.ack(end(jobs), this.limits()), true);
    this.counts.done += held.length;
    this.counts.lateAcks += held.filter((one) => !one).length;
  }

  private async nack(jobs: readonly HeldJob[], options: NackOptions): Promise<void> {
    const results = await this.answer(
      jobs,
      this.queue.nack(end(jobs), { ...options, ...this.limits() }),
      true,
    );
    for (const { outcome } of results) {
      if (outcome === 'not_held') this.counts.lateAcks += 1;
      else this.counts[outcome] += 1;
    }
  }

  private async release(jobs: readonly HeldJob[]): Promise<void> {
    this.counts.released += (
      await this.answer(jobs, this.queue.release(end(jobs), this.limits()), false)
    ).length;
  }

  /** @returns what the store answered of each; nothing when the call failed */
  private async answer<T>(jobs: readonly HeldJob[], call: Promise<T[]>, wereHandled: boolean): Promise<T[]> {
    try {
      const held = await call;
      this.listener.onAcked();
      return held;
    } catch (error) {
      const failure = wereHandled ? this.toFailure(error, jobs.length) : error;
      await this.listener.onAckFailed(failure, wereHandled);
      return [];
    }
  }

  private toFailure(error: unknown, jobs: number): unknown {
    if (!(error instanceof DelayerError) || error.code === 'internal') return error;
    this.unacknowledged += jobs;
    return new DelayerError(
      'outcome_unknown',
      `${error.message}; ${jobCount(this.unacknowledged)} delivered and not acknowledged`,
      { hint: 'They may be delivered again when their lease ends.', cause: error },
    );
  }
}

/** From now on the keeper leaves these leases alone. */
function end(jobs: readonly HeldJob[]): string[] {
  return jobs.map((one) => {
    one.isEnded = true;
    return one.job.lease;
  });
}

function toNack(outcome: Exclude<Outcome, string>): NackOptions {
  if ('dead' in outcome) return { dead: true, deadTtlMs: outcome.deadTtlMs, reason: outcome.reason };
  return { delayMs: outcome.retryInMs, reason: outcome.reason };
}
