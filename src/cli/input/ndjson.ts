import { isUtf8 } from 'node:buffer';
import { isFileLine } from '../../bulk/job-file.js';
import { parseBackoff } from '../../core/backoff-text.js';
import { checkDuration, parseDuration } from '../../core/duration.js';
import { DelayerError } from '../../core/errors.js';
import type { OwnRetry } from '../../core/job.js';
import type { PushRequest } from '../../core/requests.js';
import { nearest } from '../nearest.js';
import { fromBase64 } from './base64.js';
import type { Line } from './lines.js';
import { readTime } from './time.js';

/** Every field of a job that delayer reads or prints. */
const JOB_FIELDS: ReadonlySet<string> = new Set([
  ...['id', 'idBase64', 'topic', 'topicBase64', 'body', 'bodyBase64'],
  ...['delay', 'at', 'ttl', 'retries', 'backoff'],
  // Fields that delayer prints and also reads.
  ...['dueAt', 'expiresAt', 'ttlMs'],
  // Fields that delayer prints and that only the store decides: a push ignores them.
  ...['state', 'attempts', 'reason', 'failedAt', 'deadUntil'],
  ...['lease', 'leaseUntil', 'leasedBy', 'leasedAt', 'key'],
  ...['blockedBy', 'flaw', 'readyAhead', 'explanation', 'history'],
]);

export type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one job from a line of NDJSON: `{"id","topic","body","delay","ttl","retries","backoff"}`, or a job as
 * delayer prints it. A delay or ttl is a number of seconds or text like `30m`, a backoff text like `1s..10m`; `at`
 * and `dueAt` are due times.
 * @returns nothing for a blank line, and for one that tells of its file
 * @throws DelayerError `usage`
 */
export function parseJobLine({ bytes }: Line): PushRequest | undefined {
  if (isFileLine(bytes)) return undefined;
  const fields = parseFields(bytes);
  if (fields === undefined) return undefined;
  // A leased job may still be done by its holder.
  if (fields.state === 'leased')
    throw new DelayerError('usage', 'the job is leased; it would be done twice if it were pushed again');
  return {
    id: bytesField(fields, 'id'),
    ...contentOf(fields),
    ...dueFields(fields),
    ...retryFields(fields),
  };
}

/**
 * The fields of a line, all of them known; nothing for a blank one.
 * @throws DelayerError `usage`
 */
export function parseFields(bytes: Buffer | undefined): Fields | undefined {
  if (bytes === undefined) throw new DelayerError('usage', 'the line is too long');
  if (!isUtf8(bytes))
    throw new DelayerError('usage', 'the line is not valid UTF-8; give such bytes as bodyBase64');
  const text = bytes.toString();
  if (text.trim() === '') return undefined;
  const fields = parseObject(text);
  for (const name of Object.keys(fields)) {
    if (!JOB_FIELDS.has(name)) throw unknownField(name);
  }
  return fields;
}

function unknownField(name: string): DelayerError {
  const meant = nearest(name, [...JOB_FIELDS]);
  const hint = meant === undefined ? undefined : `Did you mean ${JSON.stringify(meant)}?`;
  return new DelayerError('usage', `unknown field ${JSON.stringify(name)}`, { hint });
}

/** @throws DelayerError `usage` when it is missing */
export function contentOf(fields: Fields): { topic: Buffer; body: Buffer } {
  const topic = bytesField(fields, 'topic');
  const body = bytesField(fields, 'body');
  if (topic === undefined) throw new DelayerError('usage', 'the topic is missing');
  if (body === undefined) throw new DelayerError('usage', 'the body is missing');
  return { topic, body };
}

export function retryFields(fields: Fields): OwnRetry {
  const retries = fields.retries ?? undefined;
  const backoff = fields.backoff ?? undefined;
  if (retries !== undefined && typeof retries !== 'number')
    throw new DelayerError('usage', 'retries is not a number');
  if (backoff !== undefined && typeof backoff !== 'string')
    throw new DelayerError('usage', 'the backoff is not text such as "1s..10m"');
  return { retries, backoff: backoff === undefined ? undefined : parseBackoff(backoff, 'the backoff') };
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    // Some editors begin a file with a byte order mark.
    value = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
  } catch (error) {
    throw new DelayerError('usage', `invalid JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DelayerError('usage', 'not a JSON object');
  }
  return value as Fields;
}

export function bytesField(fields: Fields, name: 'id' | 'topic' | 'body'): Buffer | undefined {
  const plain = fields[name] ?? undefined;
  const encoded = fields[`${name}Base64`] ?? undefined;
  if (plain !== undefined && encoded !== undefined) {
    throw new DelayerError('usage', `${name} and ${name}Base64 are both given`);
  }
  if (encoded !== undefined) {
    const bytes = typeof encoded === 'string' ? fromBase64(encoded) : undefined;
    if (bytes === undefined) throw new DelayerError('usage', `${name}Base64 is not valid base64`);
    return bytes;
  }
  if (name === 'id' && typeof plain === 'number' && Number.isSafeInteger(plain))
    return Buffer.from(`${plain}`);
  if (plain !== undefined && typeof plain !== 'string') throw new DelayerError('usage', notText(name, plain));
  // JSON can contain half of a surrogate pair, for which there are no bytes.
  if (plain?.isWellFormed() === false)
    throw new DelayerError('usage', `the ${name} is not valid Unicode: it holds half of a surrogate pair`);
  return plain === undefined ? undefined : Buffer.from(plain);
}

/** What is wrong with a value that should be text, and how to write it. */
function notText(name: string, value: unknown): string {
  if (typeof value === 'object')
    return `the ${name} is ${Array.isArray(value) ? 'an array' : 'an object'}; write its JSON as a string`;
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return `the ${name} is a number too large for JSON to keep it exact; write it with quotes`;
  const kind = name === 'id' ? 'neither a string nor a whole number' : 'not a string';
  return `the ${name} is ${JSON.stringify(value)}, which is ${kind}; write it with quotes: "${JSON.stringify(value)}"`;
}

function dueFields(fields: Fields): Pick<PushRequest, 'delayMs' | 'at' | 'ttlMs'> {
  const delayMs = durationField(fields, 'delay');
  const at = timestampField(fields, 'at') ?? timestampField(fields, 'dueAt');
  if (delayMs !== undefined && at !== undefined)
    throw new DelayerError('usage', 'a delay and a due time are both given');
  return { delayMs, at, ttlMs: ttlOf(fields, at) };
}

/**
 * The ttl as given, else as printed, else the time between the printed due time and expiry; undefined (the default)
 * when another client had pushed the job with an expiry before its due time.
 */
function ttlOf(fields: Fields, at: Date | undefined): number | undefined {
  const given = durationField(fields, 'ttl') ?? millisecondsField(fields, 'ttlMs');
  // A due time that was added replaces the printed one, and the expiry that belongs to it.
  const dueAt = timestampField(fields, 'dueAt') ?? at;
  const expiresAt = timestampField(fields, 'expiresAt');
  if (given !== undefined || dueAt === undefined || expiresAt === undefined) return given;
  return expiresAt > dueAt ? expiresAt.getTime() - dueAt.getTime() : undefined;
}

export function durationField(fields: Fields, name: string): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number') return checkDuration(value * 1000, `the ${name}`);
  if (typeof value === 'string') return parseDuration(value, `the ${name}`);
  throw new DelayerError('usage', `the ${name} is neither a number of seconds nor text such as "30m"`);
}

export function millisecondsField(fields: Fields, name: string): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number') return checkDuration(value, name);
  throw new DelayerError('usage', `${name} is not a number of milliseconds`);
}

export function timestampField(fields: Fields, name: string): Date | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string')
    throw new DelayerError('usage', `${name} is not a string`, {
      hint: 'Write ISO 8601 (2026-03-01T12:00:00Z) or @unixseconds (@1795343220), with quotes.',
    });
  return readTime(value, name);
}
