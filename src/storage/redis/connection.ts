import { Redis } from 'ioredis';
import { monotonicMs, pause } from '../../core/timer.js';
import { DelayerError, isTransient } from '../../core/errors.js';
import type { RedisAddress } from './url.js';
import { fromReply, isReplyError, unreachable } from './errors.js';

/**
 * What may be done when the connection breaks before the answer came:
 * - `read`: ask again; when that fails, the store is unreachable.
 * - `harmless`: ask again; a write whose outcome changes nothing for the caller.
 * - `repeat`: ask again, for the script makes a repeat harmless; when that fails, the outcome is unknown.
 * - `once`: nothing; the outcome is unknown.
 */
export type OnBreak = 'read' | 'harmless' | 'repeat' | 'once';

/** A command recovers or gives up within this time (ms) after its connection broke. */
const RECOVER_MS = 1800;
const RECOVER_PAUSE_MS = 50;
const CONNECT_TIMEOUT_MS = 5000;
/** A Redis that takes a connection and says nothing for so long (ms) is not there. */
const GREETING_TIMEOUT_MS = 5000;
/** A Redis that is silent for so long (ms) is taken for dead; CLIENT PAUSE and a slow disk are shorter. */
const REPLY_TIMEOUT_MS = 15_000;
/** Who is told to end does not wait longer (ms) for an answer: a Redis that hangs is no reason to. */
const HURRY_MS = 2000;
/** A Redis that hangs does not close its end either: after so long (ms) the socket is destroyed. */
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

  /** @param ending once it is aborted, no answer is waited for longer than HURRY_MS */
  constructor(
    private readonly address: RedisAddress,
    private readonly ending?: AbortSignal,
  ) {
    this.label = address.label;
  }

  /**
   * Sends a request and waits for its answer.
   * @param send is called again, with `again` true, when `onBreak` allows it
   * @throws DelayerError
   */
  async run<T>(onBreak: OnBreak, send: (redis: Redis, again: boolean) => Promise<T>): Promise<T> {
    let sent = false;
    let giveUpAt = Infinity;
    for (;;) {
      let used: Redis | undefined;
      try {
        const redis = await this.connected();
        used = redis;
        if (this.replica && onBreak !== 'read') throw isReplica(this.label);
        const again = sent;
        const answer = this.answered(redis, send(redis, again));
        sent = true;
        const given = await answer;
        this.hasWorked = true;
        return given;
      } catch (error) {
        const failure = this.explain(error, sent);
        const lost = failure.code === 'store_unreachable' || failure.code === 'store_replica';
        if (lost) this.drop(used);
        if (sent && failure.code === 'store_unreachable' && onBreak === 'once')
          throw outcomeUnknown(this.label, undefined, failure);
        // A connection that never worked will not begin to; one that did may be in the middle of a failover.
        const worthAsking = isTransient(failure) && (this.hasWorked || !lost) && !this.closed;
        giveUpAt = Math.min(giveUpAt, monotonicMs() + RECOVER_MS);
        if (!worthAsking || monotonicMs() > giveUpAt) {
          throw sent && onBreak === 'repeat' && failure.code === 'store_unreachable'
            ? outcomeUnknown(this.label, undefined, failure)
            : failure;
        }
        // An answer that Redis refused is none: nothing ran.
        if (failure.code !== 'store_unreachable' && onBreak === 'once') sent = false;
        await pause(RECOVER_PAUSE_MS);
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
    if (this.closed) throw new DelayerError('internal', 'the connection was closed before');
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
      throw unreachable(cause ?? error, this.label);
    }
    try {
      await this.answered(redis, this.greet(redis), GREETING_TIMEOUT_MS);
    } catch (error) {
      if (redis.status !== 'end') redis.disconnect();
      throw isReplyError(error) ? fromReply(error, this.label) : error;
    }
    // Not before: who finds it here may send at once, and in the database that was asked for.
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
    else if (/unknown command/i.test(String(greeted.reason))) throw tooOld(this.label, 'older than 6.0');
    else if (!String(greeted.reason).includes('NOPERM')) throw greeted.reason;
  }

  private checkServer(hello: unknown[]): void {
    const about = (name: string) => String(hello[hello.indexOf(name) + 1]);
    this.replica = about('role') === 'replica';
    const version = about('version');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const [wantedMajor, wantedMinor] = MIN_VERSION;
    if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
      throw tooOld(this.label, `version ${version}`);
    }
  }

  private async answered<T>(redis: Redis, answer: Promise<T>, withinMs = REPLY_TIMEOUT_MS): Promise<T> {
    const waited = { inVain: false };
    const giveUp = () => {
      waited.inVain = true;
      redis.disconnect();
    };
    let timer = setTimeout(giveUp, withinMs);
    const hurry = () => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, HURRY_MS);
    };
    if (this.ending?.aborted === true) hurry();
    this.ending?.addEventListener('abort', hurry);
    try {
      return await answer;
    } catch (error) {
      throw waited.inVain
        ? Object.assign(new Error('no answer', { cause: error }), { code: 'ETIMEDOUT' })
        : error;
    } finally {
      clearTimeout(timer);
      this.ending?.removeEventListener('abort', hurry);
    }
  }

  private explain(error: unknown, sent: boolean): DelayerError {
    if (error instanceof DelayerError) return error;
    if (isReplyError(error)) return fromReply(error, this.label);
    return unreachable(sent ? { message: 'the connection broke before the answer came' } : error, this.label);
  }
}

function isReplica(label: string): DelayerError {
  return new DelayerError('store_replica', `${label} is a replica and takes no writes`);
}

function tooOld(label: string, found: string): DelayerError {
  return new DelayerError('store_too_old', `${label} is Redis ${found}, too old for delayer`);
}

/** A request was sent, and what became of it cannot be told. */
export function outcomeUnknown(
  label: string,
  why = 'the connection broke before the answer came',
  cause?: unknown,
): DelayerError {
  return new DelayerError('outcome_unknown', `${label}: ${why}, so it may be done or not`, { cause });
}
