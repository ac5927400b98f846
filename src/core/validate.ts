import { v7 as uuid } from 'uuid';
import { checkDuration } from './duration.js';
import { DelayerError } from './errors.js';
import { DEFAULT_TTL_MS, type Due, MAX_BODY_BYTES, type NewJob } from './job.js';
import { MAX_TIMESTAMP_MS } from './timestamp.js';

/** Text stands for its UTF-8 bytes. */
export type TextOrBytes = string | Uint8Array;

/** A job to push. Its delay (ms) counts from now, its ready lifetime (ms) from its due time. */
export interface PushRequest {
  readonly topic: TextOrBytes;
  readonly body: TextOrBytes;
  /** A UUID when absent. */
  readonly id?: TextOrBytes | undefined;
  /** 0 when neither `delayMs` nor `at` is given; `at` in the past means now. */
  readonly delayMs?: number | undefined;
  readonly at?: Date | undefined;
  /** A week when absent. */
  readonly ttlMs?: number | undefined;
}

const FIELDS = ['topic', 'body', 'id', 'delayMs', 'at', 'ttlMs'] satisfies (keyof PushRequest)[];

/**
 * Checks a request and fills in what it leaves out.
 * @throws DelayerError `usage`
 */
export function toNewJob(request: PushRequest): NewJob {
  // A mistyped delay would make a job due at once.
  assertFields(request, FIELDS, 'field of a job');
  if (request.delayMs !== undefined && request.at !== undefined) {
    throw new DelayerError('usage', 'A job has a delay or a due time, not both');
  }
  const body = toBytes(request.body, 'body');
  if (body.length === 0)
    throw new DelayerError('usage', 'The body is empty', { hint: 'A job needs a body.' });
  if (body.length > MAX_BODY_BYTES) {
    throw new DelayerError('usage', `The body has ${body.length} bytes; the limit is 512 MiB`, {
      hint: 'Store it elsewhere and push its address.',
    });
  }
  return {
    id: request.id === undefined ? Buffer.from(uuid()) : toName(request.id, 'id'),
    topic: toName(request.topic, 'topic'),
    body,
    due: toDue(request),
    ttlMs: toTtl(request.ttlMs),
  };
}

function toTtl(given: number | undefined): number {
  const ttlMs = checkDuration(given ?? DEFAULT_TTL_MS, 'the ttl');
  if (ttlMs > 0) return ttlMs;
  throw new DelayerError('usage', 'the ttl must not be zero', {
    hint: 'A job that may never be ready is never delivered.',
  });
}

function toDue({ at, delayMs }: PushRequest): Due {
  if (at === undefined) return { delayMs: checkDuration(delayMs ?? 0, 'the delay') };
  const atMs = at.getTime();
  if (Number.isNaN(atMs)) throw new DelayerError('usage', 'the due time is an invalid Date');
  if (atMs > MAX_TIMESTAMP_MS)
    throw new DelayerError('usage', 'the due time is too far away', { hint: 'The year 9999 is the last.' });
  return { atMs: Math.max(0, Math.round(atMs)) };
}

/**
 * An id or a topic as bytes, at least one.
 * @throws DelayerError `usage`
 */
export function toName(given: TextOrBytes, what: 'id' | 'topic'): Buffer {
  const name = toBytes(given, what);
  if (name.length > 0) return name;
  throw new DelayerError('usage', `The ${what} is empty`, { hint: `Give the ${what} at least one byte.` });
}

/**
 * One topic or several, each once, in the order given.
 * @throws DelayerError `usage` when there is none
 */
export function toTopics(given: TextOrBytes | readonly TextOrBytes[]): Buffer[] {
  const list = typeof given === 'string' || given instanceof Uint8Array ? [given] : given;
  const topics = new Map<string, Buffer>();
  for (const one of list) {
    const topic = toName(one, 'topic');
    topics.set(topic.toString('latin1'), topic);
  }
  if (topics.size === 0) throw new DelayerError('usage', 'No topic is given');
  return [...topics.values()];
}

/** @throws DelayerError `usage` unless the value is a whole number from 1 to `most` */
export function toCount(value: number, what: string, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? 'of at least 1' : `from 1 to ${most}`;
  throw new DelayerError('usage', `The ${what} is not a whole number ${range}: ${value}`);
}

function toBytes(given: TextOrBytes, what: string): Buffer {
  if (typeof given === 'string') {
    if (given.isWellFormed()) return Buffer.from(given);
    throw new DelayerError('usage', `The ${what} is not valid Unicode: it holds half of a surrogate pair`);
  }
  // Callers in JavaScript have no compiler to tell them.
  if (!((given as unknown) instanceof Uint8Array))
    throw new DelayerError('usage', `The ${what} is neither text nor bytes`);
  return Buffer.isBuffer(given) ? given : Buffer.from(given.buffer, given.byteOffset, given.byteLength);
}

/** @throws DelayerError `usage` when an object has a field that is not among `names` */
export function assertFields(given: object, names: readonly string[], what: string): void {
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw new DelayerError('usage', `unknown ${what}: ${JSON.stringify(name)}`);
  }
}
