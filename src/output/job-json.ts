import { isUtf8 } from 'node:buffer';
import type { Job, JobRecord } from '../core/job.js';

/** DEL and the C1 controls, which JSON lets through and a terminal may obey. */
// eslint-disable-next-line no-control-regex -- finding control characters is the point
const C1_CONTROLS = /[\u007f-\u009f]/g;

/** JSON on one line; control characters stand in it as escapes, to a pipe as to a terminal. */
export function toJsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  return json.replace(C1_CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * A job as docs/commands.md shows it. Bytes that are no UTF-8 come as `bodyBase64`, `idBase64`,
 * `topicBase64`; what is not known is null, and a lease is there only while it is held.
 */
export function jobToJson(job: Job | JobRecord): Record<string, unknown> {
  const lease =
    'lease' in job && job.lease !== undefined ? { lease: job.lease, leaseUntil: iso(job.leaseUntil) } : {};
  return {
    ...bytesToJson('id', job.id),
    ...bytesToJson('topic', job.topic),
    ...bytesToJson('body', job.body),
    state: job.state,
    dueAt: iso(job.dueAt),
    expiresAt: iso(job.expiresAt),
    attempts: job.attempts,
    ...lease,
  };
}

/** `{"id": "32"}`, or `{"idBase64": "…"}` where the bytes are no UTF-8; null when there are none. */
export function bytesToJson(name: string, bytes: Buffer | undefined): Record<string, string | null> {
  if (bytes === undefined) return { [name]: null };
  return isUtf8(bytes) ? { [name]: bytes.toString() } : { [`${name}Base64`]: bytes.toString('base64') };
}

/** ISO 8601 in UTC, or null. */
export function iso(date: Date | undefined): string | null {
  return date === undefined ? null : date.toISOString();
}
