import { assertFields, assertSignal, assertText, toCount, usageError } from '../core/check.js';
import { checkDuration, formatDuration } from '../core/duration.js';
import type { OnEvent } from '../core/events.js';
import { type LeasedJob, MAX_LEASE_MS } from '../core/job.js';
import { toListener } from '../core/listener.js';
import type { Queue } from '../core/queue.js';
import type { Topics } from '../core/requests.js';
import { type RetryOptions, toRetryPolicy } from '../core/retry-policy.js';
import { type AbortSignalLike, onAbort } from '../core/timer.js';
import { toTopics } from '../core/validate.js';
import { drainFollow } from './follow.js';
import type { Handler, HandlerContext, Outcome, StopReason } from './handler.js';
import type { WorkResult } from './result.js';
import { toFailed, toOutcome } from './returned.js';

/** The user's AbortSignal type if there is one, else the part that the library needs. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : AbortSignalLike;

export interface JobContext {
  /**
   * Aborts when the job is not this worker's any more, has taken longer than `timeoutMs`, or `abort` was aborted.
   */
  readonly signal: Signal;
}

/**
 * It failed, and is tried again: after `retryInMs`, else after the pause of its policy. It is dead when no retry is
 * left.
 */
export type JobFailed =
  | { readonly retryInMs: number; readonly reason?: string | undefined }
  | { readonly reason: string; readonly retryInMs?: number | undefined };

/** It failed permanently. */
export interface JobDead {
  readonly dead: true;
  readonly reason?: string | undefined;
}

/**
 * Does a job. The job is done when the function returns, and has failed, with the error's message as reason, when the
 * function throws. A function can also return that it has failed. Other values that an untyped function returns mean
 * that the job is done.
 */
export type JobHandler = (job: LeasedJob, context: JobContext) => Promise<JobOutcome>;

// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- so is typed what an async function without a return gives
type JobOutcome = JobFailed | JobDead | undefined | void;

export interface WorkOptions {
  /** Jobs in hand at once; 1 when absent. As many again are leased ahead while each takes less than a tenth of a second. */
  readonly concurrency?: number | undefined;
  /** Stops taking jobs; those in hand are finished, and then the work ends. */
  readonly signal?: AbortSignalLike | undefined;
  /**
   * Ends the work as `signal` does, and stops the jobs in hand as well: their signals abort, and they are given back
   * as if they had not been tried.
   */
  readonly abort?: AbortSignalLike | undefined;
  /** 3 retries, 1 s to 10 minutes, when absent; a job's own settings override it. */
  readonly retry?: RetryOptions | undefined;
  /** A minute when absent; renewed at a third of it while a job is in hand. */
  readonly leaseMs?: number | undefined;
  /** A job that takes longer has failed, even if its function goes on; no limit when absent. */
  readonly timeoutMs?: number | undefined;
  /** Ends the work after so many jobs; no limit when absent. */
  readonly max?: number | undefined;
  /** Who has the jobs, for people who look: `host:pid`. */
  readonly holder?: string | undefined;
  /** Is called with outages of the store, and with jobs that became dead letters. */
  readonly onEvent?: OnEvent | undefined;
}

const LEASE_MS = 60_000;
const FIELDS: readonly string[] = [
  ...([
    'concurrency',
    'signal',
    'abort',
    'retry',
    'leaseMs',
    'timeoutMs',
    'max',
    'holder',
    'onEvent',
  ] as const),
] satisfies (keyof WorkOptions)[];

/**
 * Does the jobs of topics until one of the signals aborts, or `max` are done. Outages of the store are waited out.
 * @param closing ends the work as the signal of the options does
 * @throws DelayerError when the first contact with the store fails, or `usage`
 */
export async function work(
  queue: Queue,
  topics: Topics,
  handler: JobHandler,
  options: WorkOptions,
  closing?: AbortSignalLike,
): Promise<WorkResult> {
  assertFields(options, FIELDS, 'option of work');
  if (typeof handler !== 'function') throw usageError('The handler is not a function');
  const { concurrency = 1, leaseMs = LEASE_MS, timeoutMs, max } = options;
  assertSignal(options.signal);
  assertSignal(options.abort);
  const { retry = {}, abort, holder } = options;
  assertText(holder, 'holder');
  const onEvent = toListener(options.onEvent);
  const ending = new AbortController();
  const drainOptions = {
    ...{ topics: toTopics(topics), signal: ending.signal, abort, holder, onEvent },
    handler: new FunctionHandler(handler, toCount(concurrency, 'concurrency'), timeoutMs),
    retry: toRetryPolicy(retry),
    leaseMs: toCount(leaseMs, 'lease in ms', MAX_LEASE_MS),
    timeoutMs: timeoutMs === undefined ? undefined : checkTimeout(timeoutMs),
    max: max === undefined ? undefined : toCount(max, 'max'),
  };
  const forget = [options.signal, abort, closing].map((signal) => onAbort(signal, () => ending.abort()));
  try {
    const { done, retried, dead, released, lateAcks, settled } = await drainFollow(queue, drainOptions);
    return { done, retried, dead, released, lateAcks, settled };
  } finally {
    for (const one of forget) one();
  }
}

function checkTimeout(timeoutMs: number): number {
  return toCount(checkDuration(timeoutMs, 'the timeout'), 'timeout in ms', MAX_LEASE_MS);
}

/** One job a call. */
class FunctionHandler implements Handler {
  readonly batchSize = 1;
  readonly prefetch = 'while short';
  readonly knowsLeases = true;

  constructor(
    private readonly run: JobHandler,
    readonly concurrency: number,
    private readonly timeoutMs: number | undefined,
  ) {}

  async handle(jobs: readonly LeasedJob[], context: HandlerContext): Promise<{ outcomes: Outcome[] }> {
    return { outcomes: await Promise.all(jobs.map((job) => this.one(job, context))) };
  }

  /** A function cannot be stopped: once its call is to end, its result is ignored. */
  private one(job: LeasedJob, context: HandlerContext): Promise<Outcome> {
    return new Promise((resolve) => {
      context.onStop((reason) => {
        resolve(this.stopped(reason));
      });
      void this.outcomeOf(job, context).then(resolve);
    });
  }

  private async outcomeOf(job: LeasedJob, context: HandlerContext): Promise<Outcome> {
    try {
      // A copy: a function may change its argument, and the worker ends the lease by its own.
      const returned: unknown = await this.run(
        { ...job },
        {
          get signal() {
            return context.signal;
          },
        },
      );
      return toOutcome(returned);
    } catch (error) {
      return toFailed(error);
    }
  }

  private stopped(reason: StopReason): Outcome {
    if (reason === 'timeout') return { reason: `timed out after ${formatDuration(this.timeoutMs ?? 0)}` };
    // For a job that is lost no outcome is reported.
    return 'release';
  }
}
