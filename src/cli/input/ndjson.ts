import { isUtf8 } from 'node:buffer';
import { checkDuration, parseDuration, parseMoment } from '../../core/duration.js';
import { fromBase64 } from './base64.js';
import { DelayerError } from '../../core/errors.js';
import type { PushRequest } from '../../core/queue.js';
import type { Line } from './lines.js';

/** What a line may hold; the last row stands in what `drain` prints, and says nothing to a push. */
const FIELDS = new Set([
  ...['id', 'idBase64', 'topic', 'topicBase64', 'body', 'bodyBase64', 'delay', 'ttl', 'at'],
  ...['dueAt', 'expiresAt'],
  ...['state', 'attempts', 'lease', 'leaseUntil'],
]);

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one job from a line of NDJSON: `{"id","topic","body","delay","ttl"}`, or what `drain` printed.
 * A delay or ttl is a number of seconds or text like `30m`; `at` and `dueAt` are due times.
 * @returns nothing for a blank line
 * @throws DelayerError `usage`
 */
export function parseJobLine({ bytes }: Line): PushRequest | undefined {
  if (bytes === undefined) throw new DelayerError('usage', 'the line is too long');
  if (!isUtf8(bytes)) throw new DelayerError('usage', 'the line is no UTF-8; give such bytes as bodyBase64');
  const text = bytes.toString();
  if (text.trim() === '') return undefined;
  const fields = parseObject(text);
  for (const name of Object.keys(fields)) {
    if (!FIELDS.has(name)) throw new DelayerError('usage', `${JSON.stringify(name)} is no field of a job`);
  }
  const topic = bytesField(fields, 'topic');
  const body = bytesField(fields, 'body');
  if (topic === undefined) throw new DelayerError('usage', 'the topic is missing');
  if (body === undefined) throw new DelayerError('usage', 'the body is missing');
  return { id: bytesField(fields, 'id'), topic, body, ...dueFields(fields) };
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

function bytesField(fields: Fields, name: 'id' | 'topic' | 'body'): Buffer | undefined {
  const plain = fields[name] ?? undefined;
  const encoded = fields[`${name}Base64`] ?? undefined;
  if (plain !== undefined && encoded !== undefined) {
    throw new DelayerError('usage', `${name} and ${name}Base64 are both given`);
  }
  if (encoded !== undefined) {
    const bytes = typeof encoded === 'string' ? fromBase64(encoded) : undefined;
    if (bytes === undefined) throw new DelayerError('usage', `${name}Base64 is no base64`);
    return bytes;
  }
  if (name === 'id' && typeof plain === 'number' && Number.isSafeInteger(plain))
    return Buffer.from(`${plain}`);
  if (plain !== undefined && typeof plain !== 'string') {
    throw new DelayerError('usage', `the ${name} is no text; write JSON inside it as a string`);
  }
  // JSON can spell half of a surrogate pair, which no bytes stand for.
  if (plain?.isWellFormed() === false) throw new DelayerError('usage', `the ${name} holds half a character`);
  return plain === undefined ? undefined : Buffer.from(plain);
}

function dueFields(fields: Fields): Pick<PushRequest, 'delayMs' | 'at' | 'ttlMs'> {
  const delayMs = durationField(fields, 'delay');
  const at = momentField(fields, 'at') ?? momentField(fields, 'dueAt');
  const expiresAt = momentField(fields, 'expiresAt');
  if (delayMs !== undefined && at !== undefined)
    throw new DelayerError('usage', 'a delay and a due time are both given');
  const ttlMs =
    durationField(fields, 'ttl') ??
    (at && expiresAt ? Math.max(1, expiresAt.getTime() - at.getTime()) : undefined);
  return { delayMs, at, ttlMs };
}

function durationField(fields: Fields, name: string): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number') return checkDuration(value * 1000, `the ${name}`);
  if (typeof value === 'string') return parseDuration(value, `the ${name}`);
  throw new DelayerError('usage', `the ${name} is neither a number of seconds nor text`);
}

function momentField(fields: Fields, name: string): Date | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new DelayerError('usage', `${name} is no text`);
  return new Date(parseMoment(value, name));
}
