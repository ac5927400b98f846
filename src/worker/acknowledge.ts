import { DelayerError } from '../core/errors.js';
import { jobCount, type LeasedJob } from '../core/job.js';
import type { CallOptions, NackOptions } from '../core/requests.js';
import type { NackResult } from '../core/results.js';
import type { Queue } from '../core/queue.js';
import { monotonicMs } from '../core/timer.js';
import { type Outcome, toNack } from './handler.js';
import type { HeldJob } from './keep-leases.js';
import type { Outcomes } from './outcomes.js';

/** Jobs that failed in the same way, and are nacked with one call. */
interface Failures {
  readonly options: NackOptions;
  readonly jobs: HeldJob[];
}

export interface AckListener {
  /** The store has answered an ack, a nack or a release. */
  onAcked(): void;
  /** What became of failed jobs is known. */
  onNacked(): void;
  /**
   * @param wereHandled false for a release
   * @returns whether to try the call again, after a pause if need be
   */
  onAckFailed(error: unknown, wereHandled: boolean): Promise<boolean>;
}

export interface AckOptions {
  readonly listener: AckListener;
  /** May handlers end leases themselves? */
  readonly knowsLeases: boolean;
  /** How long an answer of the store is waited for. */
  readonly limits: () => CallOptions;
}

/**
 * Ends leases by the outcomes of their jobs, in groups: all jobs since the last `flush` with the same outcome share
 * a call.
 */
export class Acknowledger {
  private done: HeldJob[] = [];
  private released: HeldJob[] = [];
  private failed = new Map<string, Failures>();
  /** The next flush that `flushSoon` has planned. */
  private planned: object | undefined;
  private readonly underWay = new Set<Promise<void>>();
  /** Jobs that were handled and could not be acknowledged. */
  private unacknowledged = 0;

  constructor(
    private readonly queue: Queue,
    private readonly outcomes: Outcomes,
    private readonly options: AckOptions,
  ) {}

  add(job: HeldJob, outcome: Outcome): void {
    job.reservation.unfinished -= 1;
    if (outcome === 'release') {
      this.released.push(job);
      return;
    }
    this.outcomes.handled(job, outcome === 'done');
    if (outcome === 'done') this.done.push(job);
    else this.addFailed(job, toNack(outcome));
  }

  private addFailed(job: HeldJob, options: NackOptions): void {
    const key = JSON.stringify(options);
    const alike = this.failed.get(key);
    if (alike) alike.jobs.push(job);
    else this.failed.set(key, { options, jobs: [job] });
  }

  /** Starts ending the leases of all jobs that were added, and does not wait. */
  flush(): void {
    const { done, failed, released } = this;
    this.planned = undefined;
    this.done = [];
    this.failed = new Map();
    this.released = [];
    // In the order of their leases, so that a store can end a whole reservation without looking at each job.
    if (done.length > 0) this.track(this.ack(done.sort((a, b) => a.order - b.order)));
    for (const { options, jobs } of failed.values()) this.track(this.nack(jobs, options));
    if (released.length > 0) this.track(this.release(released.sort((a, b) => a.order - b.order)));
  }

  /**
   * Flushes when the calls under way are answered, so that jobs that come meanwhile share the call. By then the
   * answer of the reserve that went out with them is there as well, and the next reserve and these acks share a
   * request.
   */
  flushSoon(): void {
    if (this.planned) return;
    const plan = {};
    this.planned = plan;
    void Promise.all(this.underWay).then(() =>
      setImmediate(() => {
        // A flush in between has taken what was there; jobs that came after it have a plan of their own.
        if (this.planned === plan) this.flush();
      }),
    );
  }

  /** Ends the leases of all jobs that were added, and waits for the answers. */
  async settle(): Promise<void> {
    do {
      this.flush();
      while (this.underWay.size > 0) await Promise.all(this.underWay);
    } while (this.done.length + this.failed.size + this.released.length > 0);
  }

  /** A worker that goes on after a failure counts failures anew. */
  forgetFailures(): void {
    this.unacknowledged = 0;
  }

  private track(call: Promise<void>): void {
    const tracked = call.finally(() => this.underWay.delete(tracked));
    this.underWay.add(tracked);
  }

  private async ack(jobs: HeldJob[]): Promise<void> {
    const answers = await this.answer(jobs, this.queue.ack(end(jobs), this.options.limits()), true);
    if (answers === 'again') {
      const left = again(jobs);
      this.done.push(...left);
      for (const job of jobs) if (!left.includes(job)) this.onAckAnswer(job, false);
    } else forEachAnswer(jobs, answers, (job, isAcked) => this.onAckAnswer(job, isAcked));
  }

  private onAckAnswer(held: HeldJob, answer: boolean): void {
    const isAcked = answer || wasEndedByUs(held);
    if (isAcked || !this.options.knowsLeases) this.outcomes.done(held.job, isAcked);
    else this.notHeld(held.job, isHeld(held));
  }

  private async nack(jobs: HeldJob[], options: NackOptions): Promise<void> {
    const call = this.queue.nack(end(jobs), { ...options, ...this.options.limits() });
    const results = await this.answer(jobs, call, true);
    const left = results === 'again' ? again(jobs) : [];
    if (results === 'again') this.nackAgain(left, options);
    else forEachAnswer(jobs, results, (job, result) => this.onNackAnswer(job, result, options));
    // Of a job without an answer nothing more will be heard.
    for (const job of jobs) {
      if (left.includes(job)) continue;
      this.outcomes.failureKnown(job, false);
      if (results === 'again') this.outcomes.lost(job.job);
    }
    this.options.listener.onNacked();
  }

  private nackAgain(jobs: HeldJob[], options: NackOptions): void {
    const key = JSON.stringify(options);
    if (jobs.length > 0)
      this.failed.set(key, { options, jobs: [...(this.failed.get(key)?.jobs ?? []), ...jobs] });
  }

  private onNackAnswer(held: HeldJob, { outcome: answer, dueAt }: NackResult, options: NackOptions): void {
    // The call whose answer was lost may have made it a dead letter.
    const outcome = answer === 'not_held' && wasEndedByUs(held) ? 'retried' : answer;
    const wasEnded = outcome === 'not_held' && this.options.knowsLeases && isHeld(held);
    this.outcomes.failureKnown(held, wasEnded);
    if (outcome !== 'not_held') this.outcomes.failed(held.job, { outcome, dueAt }, options);
    else this.notHeld(held.job, wasEnded);
  }

  /** The handler has finished a job whose lease was known to be lost before. */
  addLost(held: HeldJob): void {
    held.reservation.unfinished -= 1;
    held.isEnded = true;
    this.outcomes.handledLost();
    this.notHeld(held.job, held.wasHeldUntilLost);
  }

  /** @param wasHeld its lease was ended before its time: by its handler, or because the job was removed */
  private notHeld(job: LeasedJob, wasHeld: boolean): void {
    if (wasHeld) {
      // Before the answer, because by then the job may have been tried again, and be done.
      this.outcomes.settled(job);
      this.track(this.lookAfter(job));
    } else this.outcomes.lost(job);
  }

  /** A handler that ended its lease itself has acknowledged the job, if it is not in the queue any more. */
  private async lookAfter(job: LeasedJob): Promise<void> {
    const found = await this.queue.find(job.id).catch(() => []);
    if (!found.some(({ key }) => key === job.key)) this.outcomes.gone(job);
  }

  private async release(jobs: HeldJob[]): Promise<void> {
    const answers = await this.answer(jobs, this.queue.release(end(jobs), this.options.limits()), false);
    if (answers === 'again') this.released.push(...again(jobs));
    else forEachAnswer(jobs, answers, ({ job }) => this.outcomes.released(job));
  }

  /**
   * @returns the store's answers; none when the call failed for good, `again` when it is to be made again for the jobs
   *   whose leases have not ended meanwhile
   */
  private async answer<T>(
    jobs: readonly HeldJob[],
    call: Promise<T[]>,
    wereHandled: boolean,
  ): Promise<T[] | 'again'> {
    const { listener } = this.options;
    try {
      const held = await call;
      listener.onAcked();
      return held;
    } catch (error) {
      const failure = wereHandled ? this.toFailure(error, jobs.length) : error;
      if (!(await listener.onAckFailed(failure, wereHandled))) return [];
      if (jobs.some(isHeld)) this.flushSoon();
      return 'again';
    }
  }

  private toFailure(error: unknown, jobs: number): unknown {
    if (!(error instanceof DelayerError) || error.code === 'internal') return error;
    this.unacknowledged += jobs;
    return new DelayerError(
      'outcome_unknown',
      `${error.message}; ${jobCount(this.unacknowledged)} delivered but not acknowledged`,
      { hint: 'They may be delivered again when their lease ends.', cause: error },
    );
  }
}

/** From here on the lease keeper ignores these leases. */
function end(jobs: readonly HeldJob[]): string[] {
  return jobs.map((one) => {
    one.isEnded = true;
    return one.job.lease;
  });
}

function forEachAnswer<T>(
  jobs: readonly HeldJob[],
  answers: readonly T[],
  use: (job: HeldJob, answer: T) => void,
): void {
  for (const [i, job] of jobs.entries()) {
    const answer = answers[i];
    if (answer !== undefined) use(job, answer);
  }
}

/** The jobs for which a call whose answer was lost should be sent again. */
function again(jobs: readonly HeldJob[]): HeldJob[] {
  const held = jobs.filter(isHeld);
  for (const job of held) job.isPerhapsEnded = true;
  return held;
}

/** For a lease that is not held any more: did a call whose answer was lost end it? */
const wasEndedByUs = (job: HeldJob): boolean => job.isPerhapsEnded && isHeld(job);

/** Is the deadline of its lease surely in the future? */
const isHeld = ({ heldUntilMs }: HeldJob): boolean => monotonicMs() < heldUntilMs;
