import type { Redis } from 'ioredis';
import type { JobState, LeasedJob, NewJob } from '../../../core/job.js';
import type { OnExisting, Promotion, PushResult, RemoveResult, RemoveScope } from '../../../core/store.js';
import type { Keys } from '../keys.js';
import { packArray } from '../msgpack.js';
import { SCRIPTS, type Script } from '../scripts.generated.js';

type Argument = string | number | Buffer;
type Value = Buffer | number | null;

/** Jobs that one run of promote or take moves at most: a run stays under a few ms. */
const PROMOTE_LIMIT = 250;
/** Jobs in one answer of take; their bodies stay under TAKE_BYTES, but one is always given. */
export const TAKE_LIMIT = 500;
export const TAKE_BYTES = 1024 * 1024;

/** A body of more goes as an argument of its own: it is not copied, and its size is Redis's own limit. */
const LARGE_BODY_BYTES = 16 * 1024;
/** Where push.lua finds the first of these in ARGV. */
const FIRST_LARGE = 4;

/** Runs a script by its digest, and by its text where Redis does not hold it: then it did not run before. */
async function run(redis: Redis, keys: Keys, script: Script, ...args: Argument[]): Promise<Value[]> {
  const rest = [keys.forScripts.length, ...keys.forScripts, ...args];
  try {
    return (await redis.callBuffer('EVALSHA', script.sha, ...rest)) as Value[];
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('NOSCRIPT')) throw error;
    return (await redis.callBuffer('EVAL', script.source, ...rest)) as Value[];
  }
}

const text = (value: Value | undefined): string => value?.toString() ?? '';
const bytes = (value: Value | undefined): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));

/** A time as the scripts give it: '' or -1 stands for none. */
export function time(value: Value | undefined): Date | undefined {
  if (typeof value === 'number') return value < 0 ? undefined : new Date(value);
  const given = text(value);
  return given === '' || given === '-1' ? undefined : new Date(Number(given));
}

const wait = (value: Value | undefined): number | undefined =>
  Number(value) < 0 ? undefined : Number(value);

export function* rowsOf(values: readonly Value[], from: number, width: number): Generator<Value[]> {
  for (let i = from; i < values.length; i += width) yield values.slice(i, i + width);
}

/** lua/promote.lua */
export async function promote(redis: Redis, keys: Keys, skip: number): Promise<Promotion> {
  const [promoted, expired, returned, stuck, more, next] = await run(
    redis,
    keys,
    SCRIPTS.promote,
    skip,
    PROMOTE_LIMIT,
  );
  return {
    promoted: Number(promoted),
    expired: Number(expired),
    returned: Number(returned),
    stuck: Number(stuck),
    more: more === 1,
    nextInMs: wait(next),
  };
}

export interface TakeAnswer {
  readonly more: boolean;
  readonly nextInMs?: number | undefined;
  readonly stuck: number;
  readonly jobs: LeasedJob[];
}

/** lua/take.lua */
export async function take(
  redis: Redis,
  keys: Keys,
  request: { topic: Buffer; limit: number; leaseMs: number; token: string },
  skip: number,
): Promise<TakeAnswer> {
  const answer = await run(
    redis,
    keys,
    SCRIPTS.take,
    request.topic,
    Math.min(request.limit, TAKE_LIMIT),
    request.leaseMs,
    request.token,
    skip,
    PROMOTE_LIMIT,
    TAKE_BYTES,
  );
  const { topic } = request;
  const leaseUntil = new Date(Number(answer[3]));
  const jobs: LeasedJob[] = [];
  // By index: drain reads tens of thousands of these a second.
  for (let i = 5; i < answer.length; i += 6) {
    jobs.push({
      id: bytes(answer[i + 1]),
      topic,
      body: bytes(answer[i + 2]),
      state: 'leased',
      dueAt: time(answer[i + 3]),
      expiresAt: time(answer[i + 4]),
      attempts: Number(answer[i + 5]),
      lease: `${request.token}.${Number(answer[i])}`,
      leaseUntil,
    });
  }
  return {
    more: answer[0] === 1,
    nextInMs: wait(answer[1]),
    stuck: Number(answer[2]),
    jobs,
  };
}

/** Some leases of one request: its token, when it ends, and the numbers of the jobs. */
export interface RequestLeases {
  readonly token: string;
  readonly until: Date;
  readonly numbers: readonly string[];
}

/** lua/confirm_all.lua */
export async function confirmAll(redis: Redis, keys: Keys, token: string, jobs: number): Promise<boolean> {
  const rest = await run(redis, keys, SCRIPTS.confirmAll, token, jobs);
  return (rest as unknown) === 1;
}

/** lua/confirm.lua; undefined where nobody knows whether the request before has done it, or the lease was lost. */
export async function confirm(
  redis: Redis,
  keys: Keys,
  { token, until, numbers }: RequestLeases,
  again: boolean,
): Promise<(boolean | undefined)[]> {
  const held = await run(redis, keys, SCRIPTS.confirm, again ? 1 : 0, token, until.getTime(), ...numbers);
  return held.map((one) => (one === -1 ? undefined : one === 1));
}

/** lua/put_back.lua */
export async function putBack(redis: Redis, keys: Keys, { token, numbers }: RequestLeases): Promise<void> {
  await run(redis, keys, SCRIPTS.putBack, token, ...numbers);
}

/** lua/extend.lua */
export async function extend(
  redis: Redis,
  keys: Keys,
  { token, numbers }: RequestLeases,
  leaseMs: number,
): Promise<(Date | undefined)[]> {
  return (await run(redis, keys, SCRIPTS.extend, leaseMs, token, ...numbers)).map(time);
}

/** What push.lua answers, by its number. */
const OUTCOMES: readonly PushResult['outcome'][] = [
  'pushed',
  'replaced',
  'repeated',
  'kept',
  'conflict',
  'blocked',
];

/** lua/push.lua */
export async function push(
  redis: Redis,
  keys: Keys,
  jobs: readonly NewJob[],
  onExisting: OnExisting,
): Promise<PushResult[]> {
  const packed: (Buffer | string | number)[] = [];
  const large: Buffer[] = [];
  for (const { id, topic, body, due, ttlMs, expiresAtMs } of jobs) {
    const dueAt = 'delayMs' in due ? due.delayMs : `${due.atMs}`;
    const isLarge = body.length > LARGE_BODY_BYTES;
    if (isLarge) large.push(body);
    const expiry = expiresAtMs === undefined ? ttlMs : `${expiresAtMs}`;
    packed.push(id, topic, isLarge ? FIRST_LARGE + large.length - 1 : body, dueAt, expiry);
  }
  const answer = await run(
    redis,
    keys,
    SCRIPTS.push,
    onExisting,
    keys.wakeChannel,
    packArray(packed),
    ...large,
  );
  return jobs.map((_, i) => ({
    outcome: OUTCOMES[Number(answer[2 * i])] ?? 'unknown',
    dueAt: time(answer[2 * i + 1]),
  }));
}

/** lua/remove.lua */
export async function remove(
  redis: Redis,
  keys: Keys,
  ids: readonly Buffer[],
  scope: RemoveScope,
): Promise<RemoveResult[]> {
  const answer = await run(redis, keys, SCRIPTS.remove, scope, ...ids);
  return [...rowsOf(answer, 0, 2)].map(([removed, state]) => ({
    removed: removed === 1,
    state: text(state) === 'none' ? undefined : (text(state) as JobState),
  }));
}

/** A job of the pool, by its place in it; both empty stand for the beginning, or the end. */
export interface PoolPlace {
  readonly score: string;
  readonly id: Buffer;
}

/** lua/count_pool.lua */
export async function countPool(redis: Redis, keys: Keys, after: PoolPlace, limit: number) {
  const answer = await run(redis, keys, SCRIPTS.countPool, after.score, after.id, limit);
  return {
    last: { score: text(answer[0]), id: bytes(answer[1]) },
    bodiless: Number(answer[2]),
    wrongType: Number(answer[3]),
    topics: [...rowsOf(answer, 4, 4)].map(([topic, delayed, due, first]) => ({
      topic: bytes(topic),
      delayed: Number(delayed),
      due: Number(due),
      firstDueAt: new Date(Number(first)),
    })),
  };
}

/** lua/count_ready.lua */
export async function countReady(redis: Redis, keys: Keys, topic: Buffer, first: number, last: number) {
  const [alive, dead, stale] = await run(redis, keys, SCRIPTS.countReady, topic, first, last);
  return { alive: Number(alive), dead: Number(dead), stale: Number(stale) };
}

/** lua/list_pool.lua */
export async function listPool(
  redis: Redis,
  keys: Keys,
  topic: Buffer,
  after: PoolPlace,
  limit: number,
  most: number,
) {
  const answer = await run(redis, keys, SCRIPTS.listPool, topic, after.score, after.id, limit, most);
  return {
    last: { score: text(answer[0]), id: bytes(answer[1]) },
    now: Number(answer[2]),
    rows: [...rowsOf(answer, 3, 5)].map(([id, body, due, expires, attempts]) => ({
      id: bytes(id),
      body: bytes(body),
      dueAt: new Date(Number(due)),
      expiresAt: time(expires),
      attempts: Number(attempts),
    })),
  };
}

/** lua/list_ready.lua */
export async function listReady(redis: Redis, keys: Keys, topic: Buffer, skip: number, limit: number) {
  const answer = await run(redis, keys, SCRIPTS.listReady, topic, skip, limit);
  return {
    lookedAt: Number(answer[1]),
    atEnd: answer[2] === 1,
    rows: [...rowsOf(answer, 3, 6)].map(([id, body, due, expires, attempts, state]) => ({
      id: bytes(id),
      body: bytes(body),
      dueAt: time(due),
      expiresAt: time(expires),
      attempts: Number(attempts),
      state: text(state) as 'ready' | 'dead' | 'stale',
    })),
  };
}

/** lua/list_leased.lua; an empty topic or id stands for all. */
export async function listLeased(
  redis: Redis,
  keys: Keys,
  first: number,
  only: { topic?: Buffer; id?: Buffer },
) {
  const answer = await run(redis, keys, SCRIPTS.listLeased, first, only.topic ?? '', only.id ?? '');
  return {
    lookedAt: Number(answer[0]),
    rows: [...rowsOf(answer, 1, 8)].map(([lease, until, id, topic, body, due, expires, attempts]) => ({
      lease: text(lease),
      leaseUntil: new Date(Number(until)),
      id: bytes(id),
      topic: bytes(topic),
      body: bytes(body),
      dueAt: time(due),
      expiresAt: time(expires),
      attempts: Number(attempts),
    })),
  };
}

/** lua/count_leased.lua */
export async function countLeased(redis: Redis, keys: Keys, first: number) {
  const answer = await run(redis, keys, SCRIPTS.countLeased, first);
  return {
    lookedAt: Number(answer[0]),
    topics: [...rowsOf(answer, 1, 2)].map(([topic, jobs]) => ({ topic: bytes(topic), jobs: Number(jobs) })),
  };
}

/** lua/find.lua */
export async function find(redis: Redis, keys: Keys, id: Buffer, depth: number) {
  const answer = await run(redis, keys, SCRIPTS.find, id, depth);
  if (answer.length === 0) return undefined;
  const [state, topic, body, due, expires, attempts, ahead, inTheWay] = answer;
  return {
    state: text(state) as JobState,
    topic: bytes(topic),
    body: bytes(body),
    dueAt: time(due),
    expiresAt: time(expires),
    attempts: Number(attempts),
    readyAhead: wait(ahead),
    inTheWay: text(inTheWay) || undefined,
  };
}

/** lua/announce.lua */
export async function announce(redis: Redis, keys: Keys, daemon: string, forgetMs: number): Promise<void> {
  await run(redis, keys, SCRIPTS.announce, keys.daemons, daemon, forgetMs);
}
