import type { Redis } from 'ioredis';
import { DelayerError, isTransient } from '../../core/errors.js';
import { type CallLimits, OUTCOME_GRACE_MS } from '../../core/store.js';
import { type AbortSignalLike, monotonicMs, sleep } from '../../core/timer.js';
import { Answers } from './answers.js';
import { Breakages } from './breakages.js';
import { type Dialled, Dialler, hangUp } from './dial.js';
import { isReplyError, outcomeUnknownError, replicaError } from './errors.js';
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

/**
 * For so long (ms) after a connection broke a command is tried again; the last try has so long to make a connection,
 * and waits for its answer as any does.
 */
const RECOVER_MS = 1800;
const RECOVER_PAUSE_MS = 50;
const LAST_TRY_MS = 200;
/** A connection on which nothing was said for so long (ms) is tried before a request that cannot be sent twice. */
const IDLE_MS = 5000;
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
  private readonly answers: Answers;
  /** When the last answer came (ms, monotonic). */
  private heardAtMs = 0;
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
    this.answers = new Answers(address, this.breakages, (second, first) => {
      if (this.redis === first) this.use(second);
      else hangUp(second.redis);
    });
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
    let failure: DelayerError | undefined;
    for (;;) {
      let used: Redis | undefined;
      const sentBefore = request.sent;
      try {
        used = await this.connected(giveUpAt, failure);
        if (this.replica && mode !== 'read') throw replicaError(this.label);
        if (mode === 'never') await this.tryIfIdle(used);
        // Nobody waits for it any more: what it took would be lost for a while.
        if (patience?.isOver === true) throw new NoAnswerError(patience.waitedMs);
        const answer = this.sendOn(used, request);
        request.sent = true;
        return await answer;
      } catch (error) {
        failure = this.breakages.toDelayerError(error, used);
        const isUnreachable = failure.code === 'store_unreachable';
        // Redis refused the request: this time nothing ran, whatever became of it the time before.
        if (!isUnreachable) request.sent = sentBefore;
        if (patience?.isOver === true) throw this.lastError(request, failure);
        const lost = isUnreachable || failure.code === 'store_replica';
        if (lost && used) this.drop(used);
        if (this.closed && !request.sent) throw closedError(this.label);
        // A Redis that was never there will not come now; one that was may be in the middle of a failover.
        // One that was silent until it was given up would be silent once more.
        const wasSilent = request.sent && failure.cause instanceof NoAnswerError;
        const worthRetrying = isTransient(failure) && (this.made > 0 || !lost) && !this.closed && !wasSilent;
        const maySendAgain = !isUnreachable || !request.sent || mode !== 'never';
        giveUpAt = Math.min(giveUpAt, monotonicMs() + RECOVER_MS);
        if (!worthRetrying || !maySendAgain || monotonicMs() > giveUpAt)
          throw this.lastError(request, failure);
        await sleep(RECOVER_PAUSE_MS);
      }
    }
  }

  private async sendOn<T>(redis: Redis, { send, sent }: Request<T>): Promise<T> {
    const answer = await this.answers.to(redis, () => send(redis, sent));
    this.heardAtMs = monotonicMs();
    return answer;
  }

  /** Something in between may have forgotten a connection: then this fails, and not a request of unknown outcome. */
  private async tryIfIdle(redis: Redis): Promise<void> {
    if (monotonicMs() - this.heardAtMs < IDLE_MS) return;
    try {
      await this.answers.to(redis, () => redis.ping());
    } catch (error) {
      if (!isReplyError(error)) throw error;
    }
    this.heardAtMs = monotonicMs();
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
    this.answers.close();
  }

  /** How often the connection was made anew. */
  get reconnects(): number {
    return Math.max(0, this.made - 1);
  }

  /**
   * @param untilMs when a connection that is made anew is no longer waited for (monotonic)
   * @param failure what it is rejected with then
   */
  private async connected(untilMs: number, failure: DelayerError | undefined): Promise<Redis> {
    if (this.closed) throw closedError(this.label);
    if (this.redis?.status === 'ready') return this.redis;
    this.dialling ??= this.dial().finally(() => {
      this.dialling = undefined;
    });
    const patience = Patience.of({ untilMs }, undefined, LAST_TRY_MS);
    return (
      patience?.bound(this.dialling, () => failure ?? new NoAnswerError(patience.waitedMs)) ?? this.dialling
    );
  }

  private async dial(): Promise<Redis> {
    const made = await this.dialler.dial();
    // Only now: a caller that finds the connection here sends at once, and must be logged in and in its database.
    this.use(made);
    if (this.closed) this.drop();
    return made.redis;
  }

  private use({ redis, isReplica }: Dialled): void {
    this.redis = redis;
    this.replica = isReplica;
    this.made += 1;
    this.heardAtMs = monotonicMs();
  }
}

function closedError(label: string): DelayerError {
  return new DelayerError('usage', `The queue ${label} is closed`);
}
