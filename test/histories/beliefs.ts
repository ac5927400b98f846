import type { JobReference } from '../../src/core/requests.js';
import { MAX_TIMESTAMP_MS } from '../../src/core/timestamp.js';
import type { ModelJob } from './job.js';

/** What a call believes of a job: nothing; the truth; or the truth with one field wrong. */
export type Belief = undefined | 'right' | 'wrong due time' | 'wrong topic' | 'wrong body' | 'wrong expiry';

/** A job by its id; it is left alone if it is not what is believed of it. */
export interface Meant {
  readonly id: string;
  readonly dueAt?: number | undefined;
  readonly topic?: string | undefined;
  readonly body?: string | undefined;
  /** Only jobs in line are asked. */
  readonly expiresAt?: number | undefined;
}

/** What is believed of a job of an id, if there is one. */
export function meantOf(id: string, belief: Belief, job: ModelJob | undefined): Meant {
  if (belief === undefined || job === undefined) return { id };
  const later = (at: number | undefined, isWrong: boolean) => at && at + Number(isWrong);
  const { dueAt, topic, body, expiresAt } = job;
  return {
    id,
    dueAt: later(dueAt, belief === 'wrong due time'),
    topic: belief === 'wrong topic' ? 'another topic' : topic,
    body: belief === 'wrong body' ? 'another body' : body,
    expiresAt: expiresAt < MAX_TIMESTAMP_MS ? later(expiresAt, belief === 'wrong expiry') : undefined,
  };
}

/** Is a job what is believed of it? */
export function isMeant(meant: Meant, job: ModelJob, isInLine: boolean): boolean {
  const isSame = (field: 'dueAt' | 'topic' | 'body' | 'expiresAt') =>
    meant[field] === undefined || meant[field] === job[field];
  return isSame('dueAt') && isSame('topic') && isSame('body') && (!isInLine || isSame('expiresAt'));
}

/** For the queue. */
export function toReference({ id, dueAt, topic, body, expiresAt }: Meant): JobReference {
  const at = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms));
  return { id, dueAt: at(dueAt), topic, body, expiresAt: at(expiresAt) };
}
