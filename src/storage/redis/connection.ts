import type { Redis } from 'ioredis';
import { DelayerError, isTransient } from '../../core/errors.js';
import { type CallLimits, OUTCOME_GRACE_MS } from '../../core/store.js';
import { type AbortSignalLike, monotonicMs, sleep } from '../../core/timer.js';
import { Breakages } from './breakages.js';
import { Dialler, hangUp } from './dial.js';
import { outcomeUnknownError, replicaError } from './errors.js';
import { Patience } from './patience.js';
import { NoAnswerError, reasonOf, unreachableError } from './unreachable.js';
import type { RedisAddress } from './url.js';

/**
 * What may be sent again when the connection breaks before the answer came:
 * - `read`: a question; when it fails again, the store is unreachable.
 * - `best-effort`: a write that harms nobody when it is done twice, or done and not told of; as `read`. reserve, whose
 *   name for the jobs makes the second one answer the same and whose leases end; maintain, pause, resume, locks.
 * - `idempotent`: a write that the script does not do twice; when it fails again, the outcome is unknown. ack, release,
 *   extend, and an import that notes how far it has come.
 * - `never`: nothing; the outcome is unknown at once. push, nack, and an operator's changes of jobs.
 */
export type RetryMode = 'read' | 'best-effort' | 'idempotent' | 'never';

/** For so long (ms) after a connection broke a command is tried again; a try under way then may take its own timeouts. */
const RECOVER_MS = 1800;
const RECOVER_PAUSE_MS = 50;
/** A Redis that does not answer for so long (ms) is unreachable; CLIENT PAUSE and a slow disk take less. */
const REPLY_TIMEOUT_MS = 15_000;
/**
 * Once the caller's time is over or the shutdown has begun, an answer is waited for no longer than this (ms):
 * a Redis that hangs must not hold anybody up. Longer where the outcome matters to the caller.
 */
const GRACE_MS: Readonly<Record<RetryMode, number>> = {
  read: 500,
  'best-effort': 500,
  idempotent: OUTCOME_GRACE_MS,
  never: OUTCOME_GRACE_MS,
};

/** Sends a request; `again` when it was sent before, without an answer. */
type Send<T> = (redis: Redis, again: boolean) => Promise<T>;

interface Request<T> {
  readonly mode: RetryMode;
  readonly send: Send<T>;
  /** Nothing where the caller waits as long as it takes. */
  readonly patience: Patience | undefined;
  /** May it have run? */
  sent: boolean;
}

/**
 * One connection to Redis. What was under way when a connection broke is sent again as its {@link RetryMode} has it:
 * ioredis, which would send all of it again, sends nothing twice here.
 */
export class Connection {
  readonly label: string;
  private redis: Redis | undefined;
  private dialling: Promise<Redis> | undefined;
  private readonly breakages: Breakages;
  private readonly dialler: Dialler;
  /** Connections that were made: Redis answered their greeting. */
  private made = 0;
  private replica = false;
  private closed = false;

  /** @param shutdown once it is aborted, no answer is waited for longer than GRACE_MS */
  constructor(
    address: RedisAddress,
    private readonly shutdown?: AbortSignalLike,
  ) {
    this.label = address.label;
    this.breakages = new Breakages(this.label);
    this.dialler = new Dialler(address, this.breakages);
  }

  /**
   * Sends a request and waits for its answer; where the caller's time is limited, GRACE_MS beyond that.
   * @param send is called again when the mode allows it
   * @throws DelayerError
   */
  async run<T>(mode: RetryMode, send: Send<T>, limits: CallLimits = {}): Promise<T> {
    const patience = Patience.of(limits, this.shutdown, GRACE_MS[mode]);
    const request = { mode, send, patience, sent: false };
    if (!patience) return this.attempts(request);
    return patience.bound(this.attempts(request), () => {
      return this.lastError(request, unreachableError(new NoAnswerError(patience.waitedMs), this.label));
    });
  }

  private async attempts<T>(request: Request<T>): Promise<T> {
    const { mode, patience } = request;
    let giveUpAt = Infinity;
    for (;;) {
      let used: Redis | undefined;
      const sentBefore = request.sent;
      try {
        used = await this.connected();
        if (this.replica && mode !== 'read') throw replicaError(this.label);
        // Nobody waits for it any more: what it took would be lost for a while.
        if (patience?.isOver === true) throw new NoAnswerError(patience.waitedMs);
        const answer = this.breakages.answered(used, request.send(used, request.sent), REPLY_TIMEOUT_MS);
        request.sent = true;
        return await answer;
      } catch (error) {
        const failure = this.breakages.toDelayerError(error, used);
        const isUnreachable = failure.code === 'store_unreachable';
        // Redis refused the request: this time nothing ran, whatever became of it the time before.
        if (!isUnreachable) request.sent = sentBefore;
        if (patience?.isOver === true) throw this.lastError(request, failure);
        const lost = isUnreachable || failure.code === 'store_replica';
        if (lost) this.drop(used);
        if (this.closed && !request.sent) throw closedError(this.label);
        // A Redis that was never there will not come now; one that was may be in the middle of a failover.
        const worthRetrying = isTransient(failure) && (this.made > 0 || !lost) && !this.closed;
        const maySendAgain = !isUnreachable || !request.sent || mode !== 'never';
        giveUpAt = Math.min(giveUpAt, monotonicMs() + RECOVER_MS);
        if (!worthRetrying || !maySendAgain || monotonicMs() > giveUpAt)
          throw this.lastError(request, failure);
        await sleep(RECOVER_PAUSE_MS);
      }
    }
  }

  /** What a request that is given up is answered: where it may have run, and that matters, nobody knows. */
  private lastError({ mode, sent }: Request<unknown>, failure: DelayerError): DelayerError {
    const matters = mode === 'idempotent' || mode === 'never';
    if (!sent || !matters || failure.code === 'internal') return failure;
    // What Redis answers to the next try (it loads, it is busy) says nothing of the one before.
    const why = failure.code === 'store_unreachable' ? reasonOf(failure.cause) : failure.message;
    return outcomeUnknownError(this.label, `no answer came: ${why}`, failure);
  }

  /** Breaks a connection, so that what is under way on it fails; the next request makes a new one. */
  private drop(redis = this.redis): void {
    if (redis === this.redis) this.redis = undefined;
    if (redis) hangUp(redis);
  }

  close(): void {
    this.closed = true;
    this.drop();
    this.dialler.close();
  }

  /** How often the connection was made anew. */
  get reconnects(): number {
    return Math.max(0, this.made - 1);
  }

  private async connected(): Promise<Redis> {
    if (this.closed) throw closedError(this.label);
    if (this.redis?.status === 'ready') return this.redis;
    this.dialling ??= this.dial().finally(() => {
      this.dialling = undefined;
    });
    return this.dialling;
  }

  private async dial(): Promise<Redis> {
    const { redis, isReplica } = await this.dialler.dial();
    // Only now: a caller that finds the connection here sends at once, and must be logged in and in its database.
    this.redis = redis;
    this.replica = isReplica;
    this.made += 1;
    if (this.closed) this.drop();
    return redis;
  }
}

function closedError(label: string): DelayerError {
  return new DelayerError('usage', `The queue ${label} is closed`);
}
