import { isUtf8 } from 'node:buffer';
import type { Bytes, LeasedJob } from '../../../core/job.js';

/** Longer values (bytes) are left out: the system allows 128 KiB for a value and some 2 MiB in all. */
const MAX_VALUE_BYTES = 32 * 1024;

/** Names and values, as a process is given them. */
export type Environment = Readonly<Record<string, string>>;

/** What a handler finds of its job in its environment; the body is on its stdin. */
export function withJob(base: Environment, job: LeasedJob): Environment {
  const env: Record<string, string> = { ...base };
  setBytes(env, 'DELAYER_ID', job.id);
  setBytes(env, 'DELAYER_TOPIC', job.topic);
  env.DELAYER_ATTEMPT = String(job.attempts);
  if (job.dueAt !== undefined) env.DELAYER_DUE_AT = job.dueAt.toISOString();
  env.DELAYER_LEASE = job.lease;
  env.DELAYER_KEY = job.key;
  return env;
}

/** An environment cannot hold NUL, nor, in Node, bytes that are not UTF-8. */
function setBytes(env: Record<string, string>, name: string, bytes: Bytes): void {
  if (bytes.length > MAX_VALUE_BYTES) return;
  if (isUtf8(bytes) && !bytes.includes(0)) env[name] = bytes.toString();
  else env[`${name}_BASE64`] = bytes.toString('base64');
}
