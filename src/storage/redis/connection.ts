import { Redis } from 'ioredis';
import { DelayerError, isTransient } from '../../core/errors.js';
import { type CallLimits, OUTCOME_GRACE_MS } from '../../core/store.js';
import { type AbortSignalLike, monotonicMs, sleep } from '../../core/timer.js';
import {
  isReplyError,
  outcomeUnknownError,
  replicaError,
  replyError,
  sentinelError,
  tooOldError,
} from './errors.js';
import { Patience } from './patience.js';
import {
  isNetworkError,
  isConnectTimeout,
  NoAnswerError,
  noTlsError,
  NotRedisError,
  reasonOf,
  unaskedReply,
  unreachableError,
} from './unreachable.js';
import { whyTurnedAway } from './turned-away.js';
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
const CONNECT_TIMEOUT_MS = 5000;
/** A Redis that accepts a connection and does not answer the greeting for so long (ms) is unreachable. */
const GREETING_TIMEOUT_MS = 5000;
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
/** A Redis that hangs does not close its end of the connection: after so long (ms) the socket is destroyed. */
const DISCONNECT_TIMEOUT_MS = 200;
const MIN_VERSION = [6, 2] as const;

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
  /** The connection that is being made. */
  private dialled: Redis | undefined;
  /** Why connections broke: ioredis tells what was under way no more than that they did. */
  private readonly causes = new WeakMap<Redis, Error>();
  /** Connections that were made: Redis answered their greeting. */
  private made = 0;
  private replica = false;
  private closed = false;

  /** @param shutdown once it is aborted, no answer is waited for longer than GRACE_MS */
  constructor(
    private readonly address: RedisAddress,
    private readonly shutdown?: AbortSignalLike,
  ) {
    this.label = address.label;
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
        const answer = this.answered(used, request.send(used, request.sent));
        request.sent = true;
        return await answer;
      } catch (error) {
        const failure = this.toDelayerError(error, used);
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
    // After a refused connection ioredis is at its end already, and would hold the process for 2 s.
    if (redis && redis.status !== 'end') redis.disconnect();
  }

  close(): void {
    this.closed = true;
    this.drop();
    this.drop(this.dialled);
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
      this.dialled = undefined;
    });
    return this.dialling;
  }

  private async dial(): Promise<Redis> {
    const { host, port, path, tls } = this.address;
    const redis = new Redis({
      ...(path === undefined ? { host: host ?? 'localhost', port: port ?? 6379 } : { path }),
      ...(tls ? { tls: {} } : {}),
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: null,
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      protocol: 2,
    });
    this.dialled = redis;
    redis.on('error', (error: Error) => {
      this.setCause(redis, error);
    });
    let hasConnected = false;
    try {
      await redis.connect();
      hasConnected = true;
      await this.answered(redis, this.greet(redis), GREETING_TIMEOUT_MS);
    } catch (error) {
      if (redis.status !== 'end') redis.disconnect();
      throw await this.dialError(error, redis, hasConnected);
    }
    // Only now: a caller that finds the connection here sends at once, and must be logged in and in its database.
    this.redis = redis;
    this.made += 1;
    if (this.closed) this.drop();
    return redis;
  }

  private async dialError(error: unknown, redis: Redis, hasConnected: boolean): Promise<DelayerError> {
    const failure = this.toDelayerError(error, redis);
    const hangs = failure.cause instanceof NoAnswerError;
    // A Redis without TLS waits for the end of the line, which the greeting of TLS has not.
    if (!hasConnected && this.address.tls && isConnectTimeout(failure.cause)) return noTlsError(this.label);
    if (!hasConnected || hangs || failure.code !== 'store_unreachable' || this.closed) return failure;
    const reason = await whyTurnedAway(this.address);
    return reason === undefined ? failure : replyError(new Error(reason), this.label);
  }

  /** Logs in, picks the database, and looks who answers: one round trip. */
  private async greet(redis: Redis): Promise<void> {
    const { username, password, db } = this.address;
    const login =
      password === undefined
        ? undefined
        : redis.call('AUTH', ...(username === undefined ? [password] : [username, password]));
    const select = db === 0 ? undefined : redis.call('SELECT', db);
    const hello = redis.call('HELLO') as Promise<unknown[]>;
    const [loggedIn, selected, greeted] = await Promise.allSettled([login, select, hello]);
    for (const step of [loggedIn, selected]) if (step.status === 'rejected') throw step.reason;
    if (greeted.status === 'fulfilled') this.checkServer(greeted.value);
    else if (/unknown command/i.test(String(greeted.reason))) throw tooOldError(this.label, 'older than 6.0');
    else if (!String(greeted.reason).includes('NOPERM')) throw greeted.reason;
  }

  private checkServer(hello: unknown): void {
    if (!Array.isArray(hello)) throw unreachableError(new NotRedisError(), this.label);
    const about = (name: string) => String(hello[hello.indexOf(name) + 1]);
    if (about('mode') === 'sentinel') throw sentinelError(this.label);
    this.replica = about('role') === 'replica';
    const version = about('version');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const [wantedMajor, wantedMinor] = MIN_VERSION;
    if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
      throw tooOldError(this.label, `version ${version}`);
    }
  }

  /** The answer; a connection on which it does not come in time is broken. */
  private async answered<T>(redis: Redis, answer: Promise<T>, timeoutMs = REPLY_TIMEOUT_MS): Promise<T> {
    const timer = setTimeout(() => {
      this.setCause(redis, new NoAnswerError(timeoutMs));
      redis.disconnect();
    }, timeoutMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The first cause counts: what follows comes of it. */
  private setCause(redis: Redis, cause: Error): void {
    if (!this.causes.has(redis)) this.causes.set(redis, cause);
  }

  private toDelayerError(error: unknown, redis: Redis | undefined): DelayerError {
    if (error instanceof DelayerError) return error;
    if (isReplyError(error)) return replyError(error, this.label);
    if (!isNetworkError(error)) return internalError(error);
    const cause = (redis && this.causes.get(redis)) ?? error;
    const turnedAway = unaskedReply(cause);
    return turnedAway === undefined
      ? unreachableError(cause, this.label)
      : replyError(new Error(turnedAway), this.label);
  }
}

function closedError(label: string): DelayerError {
  return new DelayerError('usage', `The queue ${label} is closed`);
}

function internalError(thrown: unknown): DelayerError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new DelayerError('internal', message, { cause: thrown });
}
