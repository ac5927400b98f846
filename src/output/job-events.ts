import type { JobEvent } from '../core/events.js';
import { bytesToJson, iso } from './json.js';

type Json = Record<string, unknown>;

/** A line of `drain --json`: what became of a job. */
export function jobEventToJson(event: JobEvent): Json {
  const name = event.type.replace(/^job_/, '');
  const { id, topic, attempts } = event.type === 'job_dead' ? event : event.job;
  const json: Json = {
    event: name,
    at: iso(new Date()),
    ...bytesToJson('id', id),
    ...bytesToJson('topic', topic),
  };
  if (attempts !== undefined) json.attempt = attempts;
  if (event.type === 'job_started') json.lease = event.job.lease;
  if (event.type === 'job_retried') json.dueAt = iso(event.dueAt);
  if (event.type === 'job_retried' || event.type === 'job_dead') {
    const { exitCode, signalName, reason } = event;
    if (exitCode !== undefined) json.exitCode = exitCode;
    if (signalName !== undefined) json.signal = signalName;
    if (reason !== undefined) json.reason = reason;
  }
  return json;
}
