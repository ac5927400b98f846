import { isUtf8 } from 'node:buffer';
import type { Job, JobRecord } from '../core/job.js';

/** What JSON lets through and a terminal may obey: DEL, the C1 controls, and marks that reorder or hide text. */

const UNPRINTABLE = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** JSON on one line; control characters stand in it as escapes, to a pipe as to a terminal. */
export function toJsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  return json.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * A job as docs/commands.md shows it. Bytes that are no UTF-8 come as `bodyBase64`, `idBase64`,
 * `topicBase64`; what is not known is null, and a lease is there only while it is held.
 */
export function jobToJson(job: Job | JobRecord): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  // One after the other and not spread together: drain makes tens of thousands of these a second.
  setBytes(json, 'id', job.id);
  setBytes(json, 'topic', job.topic);
  setBytes(json, 'body', job.body);
  json.state = job.state;
  json.dueAt = iso(job.dueAt);
  json.expiresAt = iso(job.expiresAt);
  json.attempts = job.attempts;
  if ('lease' in job && job.lease !== undefined) {
    json.lease = job.lease;
    json.leaseUntil = iso(job.leaseUntil);
  }
  return json;
}

/** `{"id": "32"}`, or `{"idBase64": "…"}` where the bytes are no UTF-8; null when there are none. */
export function bytesToJson(name: string, bytes: Buffer | undefined): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  setBytes(json, name, bytes);
  return json;
}

function setBytes(json: Record<string, unknown>, name: string, bytes: Buffer | undefined): void {
  if (bytes === undefined) json[name] = null;
  else if (isUtf8(bytes)) json[name] = bytes.toString();
  else json[`${name}Base64`] = bytes.toString('base64');
}

let lastDate: Date | undefined;
let lastIso = '';

/** ISO 8601 in UTC, or null. Jobs that come together are often due together: the last text is kept. */
export function iso(date: Date | undefined): string | null {
  if (date === undefined) return null;
  if (lastDate?.getTime() !== date.getTime()) {
    lastIso = date.toISOString();
    lastDate = date;
  }
  return lastIso;
}
