import { v7 as uuid } from 'uuid';
import {
  assertDate,
  assertFields,
  assertFlag,
  assertList,
  assertObject,
  assertText,
  shown,
} from './check.js';
import { checkDuration } from './duration.js';
import { DelayerError } from './errors.js';
import { DEFAULT_TTL_MS, type Job, MAX_BODY_BYTES, MAX_REASON_BYTES } from './job.js';
import type { Due, NewJob } from './new-job.js';
import type { LeaseLike, NackOptions, PushRequest, TextOrBytes } from './requests.js';
import { toDeadTtl, toOwnRetry } from './retry-policy.js';
import type { Failure } from './store.js';
import { MAX_TIMESTAMP_MS } from './timestamp.js';

const FIELDS = [
  'topic',
  'body',
  'id',
  'delayMs',
  'at',
  'ttlMs',
  'retries',
  'backoff',
] satisfies (keyof PushRequest)[];

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
  return {
    id: request.id === undefined ? Buffer.from(uuid()) : toName(request.id, 'id'),
    topic: toName(request.topic, 'topic'),
    body: toBody(request.body),
    due: toDue(request),
    ttlMs: toTtl(request.ttlMs),
    ...(request.retries === undefined && request.backoff === undefined ? {} : toOwnRetry(request)),
  };
}

/** A popped job, to be pushed as it was: with its due time and its expiry. */
export function toNewJobAgain(job: Job): NewJob {
  assertObject(job, 'job');
  const { id, topic, body, dueAt, expiresAt, retries, backoff } = job;
  assertDate(expiresAt, 'expiresAt');
  const again = toNewJob({ id: toName(id, 'id'), topic, body, at: dueAt ?? new Date(0), retries, backoff });
  const expiresAtMs = expiresAt?.getTime();
  const ttlMs = dueAt && expiresAtMs !== undefined ? expiresAtMs - dueAt.getTime() : 0;
  return { ...again, ttlMs: ttlMs > 0 ? ttlMs : DEFAULT_TTL_MS, expiresAtMs };
}

/** @throws DelayerError `usage` when it is empty, or more than a store takes */
export function toBody(given: TextOrBytes): Buffer {
  const body = toBytes(given, 'body');
  if (body.length === 0)
    throw new DelayerError('usage', 'The body is empty', { hint: 'A job needs a body.' });
  if (body.length > MAX_BODY_BYTES) {
    throw new DelayerError('usage', `The body has ${body.length} bytes; the limit is 512 MiB`, {
      hint: 'Store it elsewhere and push its address.',
    });
  }
  return body;
}

/** @throws DelayerError `usage` when it is not a duration, or zero */
export function toTtl(given: number = DEFAULT_TTL_MS): number {
  const ttlMs = checkDuration(given, 'the ttl');
  if (ttlMs > 0) return ttlMs;
  throw new DelayerError('usage', 'the ttl must not be zero', {
    hint: 'A job that may never be ready is never delivered.',
  });
}

/** @throws DelayerError `usage` */
export function toDue({ at, delayMs = 0 }: Pick<PushRequest, 'at' | 'delayMs'>): Due {
  if (at === undefined) return { delayMs: checkDuration(delayMs, 'the delay') };
  assertDate(at, 'the due time');
  const atMs = at.getTime();
  if (atMs > MAX_TIMESTAMP_MS)
    throw new DelayerError('usage', 'the due time is too far away', { hint: 'The year 9999 is the last.' });
  return { atMs: Math.max(0, Math.round(atMs)) };
}

/**
 * An id or a topic as bytes, at least one.
 * @throws DelayerError `usage`
 */
export function toName(given: TextOrBytes, what: string): Buffer {
  const name = toBytes(given, what);
  if (name.length > 0) return name;
  throw new DelayerError('usage', `The ${what} is empty`, { hint: `Give the ${what} at least one byte.` });
}

/**
 * One topic or several, each once, in the order given.
 * @throws DelayerError `usage` when there is none
 */
export function toTopics(given: TextOrBytes | readonly TextOrBytes[]): Buffer[] {
  if (typeof given === 'string' || given instanceof Uint8Array) return [toName(given, 'topic')];
  assertList(given, 'topics');
  const topics = new Map<string, Buffer>();
  for (const one of given) {
    const topic = toName(one, 'topic');
    topics.set(topic.toString('latin1'), topic);
  }
  if (topics.size === 0) throw new DelayerError('usage', 'No topic is given');
  return [...topics.values()];
}

export function toBytes(given: TextOrBytes, what: string): Buffer {
  if (typeof given === 'string') {
    if (given.isWellFormed()) return Buffer.from(given);
    throw new DelayerError('usage', `The ${what} is not valid Unicode: it holds half of a surrogate pair`);
  }
  if (!((given as unknown) instanceof Uint8Array))
    throw new DelayerError('usage', `The ${what} is neither text nor bytes: ${shown(given)}`);
  if (Buffer.isBuffer(given)) return given;
  // Of memory that was transferred to another thread no view can be made, not even of its 0 bytes.
  if (given.byteLength === 0) return Buffer.alloc(0);
  return Buffer.from(given.buffer, given.byteOffset, given.byteLength);
}

/** @throws DelayerError `usage` when one of them is neither a string nor has one as its `lease` */
export function toLeases(leases: readonly LeaseLike[]): string[] {
  assertList(leases, 'leases');
  return leases.map((one) => {
    const lease: unknown =
      typeof one === 'string' ? one : (one as { lease?: unknown } | null | undefined)?.lease;
    if (typeof lease === 'string') return lease;
    throw new DelayerError('usage', `This is not a lease: ${shown(one)}`, {
      hint: 'A lease is the "lease" of a job that was reserved, or that job.',
    });
  });
}

export function toFailure(options: NackOptions): Failure {
  const { delayMs, dead = false, deadTtlMs, exitCode, signalName } = options;
  assertFlag(dead, 'dead');
  assertText(signalName, 'signal name');
  if (exitCode !== undefined && !Number.isInteger(exitCode))
    throw new DelayerError('usage', `The exit code is not a whole number: ${shown(exitCode)}`);
  if (dead && delayMs !== undefined)
    throw new DelayerError('usage', 'A failed job has a delay for its retry or is dead, not both');
  if (!dead && deadTtlMs !== undefined)
    throw new DelayerError('usage', 'A dead ttl is given, but the job is not dead');
  return {
    isDead: dead,
    delayMs: delayMs === undefined ? undefined : checkDuration(delayMs, 'the delay'),
    deadTtlMs: deadTtlMs === undefined ? undefined : toDeadTtl(deadTtlMs),
    reason: toReason(options.reason),
    ...{ exitCode, signalName },
  };
}

/**
 * The end of the text: at most MAX_REASON_BYTES of UTF-8, in whole characters. Undefined when it is empty.
 */
export function toReason(reason: string | undefined): string | undefined {
  assertText(reason, 'reason');
  if (reason === undefined || reason === '') return undefined;
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  let start = bytes.length - MAX_REASON_BYTES;
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.toString('utf8', start);
}
