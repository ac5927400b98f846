import { Redis } from 'ioredis';
import type { DelayerError } from '../../core/errors.js';
import type { Breakages } from './breakages.js';
import { replyError, sentinelError, tooOldError } from './errors.js';
import { whyTurnedAway } from './turned-away.js';
import {
  isConnectTimeout,
  NoAnswerError,
  noTlsError,
  NotRedisError,
  unreachableError,
} from './unreachable.js';
import type { RedisAddress } from './url.js';

const CONNECT_TIMEOUT_MS = 5000;
/** A Redis that accepts a connection and does not answer the greeting for so long (ms) is unreachable. */
const GREETING_TIMEOUT_MS = 5000;
/** A Redis that hangs does not close its end of the connection: after so long (ms) the socket is destroyed. */
const DISCONNECT_TIMEOUT_MS = 200;
const MIN_VERSION = [6, 2] as const;

/** A connection that was made: logged in, in its database, and greeted. */
export interface Dialled {
  readonly redis: Redis;
  readonly isReplica: boolean;
}

/** Makes connections to one Redis, one at a time, and looks who answers there. */
export class Dialler {
  /** The connection that is being made. */
  private dialled: Redis | undefined;
  private closed = false;

  constructor(
    private readonly address: RedisAddress,
    private readonly breakages: Breakages,
  ) {}

  /** @throws DelayerError */
  async dial(): Promise<Dialled> {
    const redis = newClient(this.address);
    this.dialled = redis;
    redis.on('error', (error: Error) => {
      this.breakages.note(redis, error);
    });
    let hasConnected = false;
    try {
      await redis.connect();
      hasConnected = true;
      const greeting = greet(redis, this.address);
      return { redis, isReplica: await this.breakages.answered(redis, greeting, GREETING_TIMEOUT_MS) };
    } catch (error) {
      hangUp(redis);
      throw await this.dialError(error, redis, hasConnected);
    } finally {
      this.dialled = undefined;
    }
  }

  /** Gives up the connection that is being made. */
  close(): void {
    this.closed = true;
    if (this.dialled) hangUp(this.dialled);
  }

  private async dialError(error: unknown, redis: Redis, hasConnected: boolean): Promise<DelayerError> {
    const { label, tls } = this.address;
    const failure = this.breakages.toDelayerError(error, redis);
    const hangs = failure.cause instanceof NoAnswerError;
    // A Redis without TLS waits for the end of the line, which the greeting of TLS has not.
    if (!hasConnected && tls && isConnectTimeout(failure.cause)) return noTlsError(label);
    if (!hasConnected || hangs || failure.code !== 'store_unreachable' || this.closed) return failure;
    const reason = await whyTurnedAway(this.address);
    return reason === undefined ? failure : replyError(new Error(reason), label);
  }
}

/** Breaks a connection: what is under way on it fails. */
export function hangUp(redis: Redis): void {
  // After a refused connection ioredis is at its end already, and would hold the process for 2 s.
  if (redis.status !== 'end') redis.disconnect();
}

function newClient({ host, port, path, tls }: RedisAddress): Redis {
  return new Redis({
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
}

/**
 * Logs in, picks the database, and looks who answers: one round trip.
 * @returns whether it is a replica
 */
async function greet(redis: Redis, { username, password, db, label }: RedisAddress): Promise<boolean> {
  const login =
    password === undefined
      ? undefined
      : redis.call('AUTH', ...(username === undefined ? [password] : [username, password]));
  const select = db === 0 ? undefined : redis.call('SELECT', db);
  const hello = redis.call('HELLO') as Promise<unknown[]>;
  const [loggedIn, selected, greeted] = await Promise.allSettled([login, select, hello]);
  for (const step of [loggedIn, selected]) if (step.status === 'rejected') throw step.reason;
  if (greeted.status === 'fulfilled') return isReplica(greeted.value, label);
  if (isUnknown(greeted.reason)) throw await withoutHello(redis, label, greeted.reason);
  if (!String(greeted.reason).includes('NOPERM')) throw greeted.reason;
  return false;
}

const isUnknown = (error: unknown): boolean => /unknown command/i.test(String(error));

/** The error of a Redis without HELLO: it is older than 6.0, or has the command under another name. */
async function withoutHello(redis: Redis, label: string, unknown: unknown): Promise<unknown> {
  try {
    const version = /^redis_version:((\d+)\S*)/m.exec(String(await redis.call('INFO', 'server')));
    return version && Number(version[2]) < 6 ? tooOldError(label, `version ${version[1]}`) : unknown;
  } catch (error) {
    return isUnknown(error) || String(error).includes('NOPERM') ? unknown : error;
  }
}

/** Reads the answer to HELLO. @throws DelayerError where no Redis that will do has given it */
function isReplica(hello: unknown, label: string): boolean {
  if (!Array.isArray(hello)) throw unreachableError(new NotRedisError(), label);
  const about = (name: string) => String(hello[hello.indexOf(name) + 1]);
  if (about('mode') === 'sentinel') throw sentinelError(label);
  const version = about('version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = MIN_VERSION;
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    throw tooOldError(label, `version ${version}`);
  }
  return about('role') === 'replica';
}
