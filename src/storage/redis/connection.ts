import { Redis } from 'ioredis';
import { DelayerError, isTransient } from '../../core/errors.js';
import { type AbortSignalLike, monotonicMs, sleep } from '../../core/timer.js';
import {
  isReplyError,
  outcomeUnknownError,
  replicaError,
  replyError,
  tooOldError,
  unreachableError,
} from './errors.js';
import type { RedisAddress } from './url.js';

/**
 * What may be sent again when the connection breaks before the answer came:
 * - `read`: a question; when it fails again, the store is unreachable.
 * - `best-effort`: a write whose outcome changes nothing for the caller; as `read`.
 * - `idempotent`: a write that the script does not do twice; when it fails again, the outcome is unknown.
 * - `never`: nothing; the outcome is unknown at once.
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
/** Reply timeout (ms) once shutdown has begun: a Redis that hangs must not hold it up. */
const SHUTDOWN_REPLY_TIMEOUT_MS = 2000;
/** A Redis that hangs does not close its end of the connection: after so long (ms) the socket is destroyed. */
const DISCONNECT_TIMEOUT_MS = 200;
const MIN_VERSION = [6, 2] as const;

/**
 * One connection to Redis. It sends every request once: ioredis would send again what was under way
 * when a connection broke, and a push or pop would run twice.
 */
export class Connection {
  readonly label: string;
  private redis: Redis | undefined;
  private dialling: Promise<Redis> | undefined;
  private hasWorked = false;
  private replica = false;
  private closed = false;

  /** @param shutdown once it is aborted, the reply timeout is SHUTDOWN_REPLY_TIMEOUT_MS */
  constructor(
    private readonly address: RedisAddress,
    private readonly shutdown?: AbortSignalLike,
  ) {
    this.label = address.label;
  }

  /**
   * Sends a request and waits for its answer.
   * @param send is called again, with `again` true, when the mode allows it
   * @throws DelayerError
   */
  async run<T>(mode: RetryMode, send: (redis: Redis, again: boolean) => Promise<T>): Promise<T> {
    let sent = false;
    let giveUpAt = Infinity;
    for (;;) {
      let used: Redis | undefined;
      try {
        const redis = await this.connected();
        used = redis;
        if (this.replica && mode !== 'read') throw replicaError(this.label);
        const again = sent;
        const answer = this.answered(redis, send(redis, again));
        sent = true;
        const given = await answer;
        this.hasWorked = true;
        return given;
      } catch (error) {
        const failure = this.toDelayerError(error, sent);
        const lost = failure.code === 'store_unreachable' || failure.code === 'store_replica';
        if (lost) this.drop(used);
        if (sent && failure.code === 'store_unreachable' && mode === 'never')
          throw outcomeUnknownError(this.label, undefined, failure);
        // A connection that never worked will not begin to; one that did may be in the middle of a failover.
        const worthRetrying = isTransient(failure) && (this.hasWorked || !lost) && !this.closed;
        giveUpAt = Math.min(giveUpAt, monotonicMs() + RECOVER_MS);
        if (!worthRetrying || monotonicMs() > giveUpAt) {
          throw sent && mode === 'idempotent' && failure.code === 'store_unreachable'
            ? outcomeUnknownError(this.label, undefined, failure)
            : failure;
        }
        // Redis refused the request: nothing ran.
        if (failure.code !== 'store_unreachable' && mode === 'never') sent = false;
        await sleep(RECOVER_PAUSE_MS);
      }
    }
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
  }

  private async connected(): Promise<Redis> {
    if (this.closed) throw new DelayerError('usage', `The queue ${this.label} is closed`);
    if (this.redis?.status === 'ready') return this.redis;
    this.dialling ??= this.dial().finally(() => {
      this.dialling = undefined;
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
    let cause: unknown;
    redis.on('error', (error) => {
      cause = error;
    });
    try {
      await redis.connect();
    } catch (error) {
      throw unreachableError(cause ?? error, this.label);
    }
    try {
      await this.answered(redis, this.greet(redis), GREETING_TIMEOUT_MS);
    } catch (error) {
      if (redis.status !== 'end') redis.disconnect();
      throw isReplyError(error) ? replyError(error, this.label) : error;
    }
    // Only now: a caller that finds the connection here sends at once, and must be logged in and in its database.
    this.redis = redis;
    if (this.closed) this.drop();
    return redis;
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

  private checkServer(hello: unknown[]): void {
    const about = (name: string) => String(hello[hello.indexOf(name) + 1]);
    this.replica = about('role') === 'replica';
    const version = about('version');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const [wantedMajor, wantedMinor] = MIN_VERSION;
    if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
      throw tooOldError(this.label, `version ${version}`);
    }
  }

  private async answered<T>(redis: Redis, answer: Promise<T>, timeoutMs = REPLY_TIMEOUT_MS): Promise<T> {
    const reply = { timedOut: false };
    const giveUp = () => {
      reply.timedOut = true;
      redis.disconnect();
    };
    let timer = setTimeout(giveUp, timeoutMs);
    const shorten = () => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, SHUTDOWN_REPLY_TIMEOUT_MS);
    };
    if (this.shutdown?.aborted === true) shorten();
    this.shutdown?.addEventListener('abort', shorten);
    try {
      return await answer;
    } catch (error) {
      throw reply.timedOut
        ? Object.assign(new Error('reply timeout', { cause: error }), { code: 'ETIMEDOUT' })
        : error;
    } finally {
      clearTimeout(timer);
      this.shutdown?.removeEventListener('abort', shorten);
    }
  }

  private toDelayerError(error: unknown, sent: boolean): DelayerError {
    if (error instanceof DelayerError) return error;
    if (isReplyError(error)) return replyError(error, this.label);
    return unreachableError(
      sent ? { message: 'the connection broke before the answer came' } : error,
      this.label,
    );
  }
}
