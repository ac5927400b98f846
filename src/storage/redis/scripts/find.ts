import type { JobRecord } from '../../../core/job.js';
import { MAX_TIMESTAMP_MS } from '../../../core/timestamp.js';
import { SCRIPTS } from '../scripts.generated.js';
import { readExtras } from './extras.js';
import { toTtl } from './list.js';
import { runScript, type Target, toBuffer, toDate, toText, type Value } from './run.js';

/** What is known of an id, apart from leases and dead letters. */
export interface IdFacts {
  readonly now: Date;
  /** Its due time in the pool; absent when it is not in it. */
  readonly pooledFor?: Date | undefined;
  /** The type of its body's key: `none`, `hash`, or another type. */
  readonly bucketType: string;
  readonly topic?: Buffer | undefined;
  readonly body?: Buffer | undefined;
  readonly dueAt?: Date | undefined;
  readonly expiresAt?: Date | undefined;
  readonly attempts: number;
  readonly kept: Pick<JobRecord, 'ttlMs' | 'retries' | 'backoff' | 'key' | 'history'>;
  /** The note that delayer made when it promoted a job of this id. */
  readonly noted?: (Pick<JobRecord, 'dueAt' | 'expiresAt'> & { readonly topic: Buffer }) | undefined;
  readonly pausedUntilMs?: number | undefined;
  /** Facts of a job that was set aside. */
  readonly asideTopic?: Buffer | undefined;
  /** The ready list of its topic, or of the noted one. */
  readonly list: { readonly type: string; readonly length: number };
  /** Its index there, from the left; absent when the list is too long to be searched at once. */
  readonly places?: readonly number[] | undefined;
}

/** lua/find.lua */
export async function findById(target: Target, id: Buffer, most: number): Promise<IdFacts> {
  const answer = await runScript(target, SCRIPTS.find, id, most);
  const [now, score, bucketType, topic, body, due, expires, attempts, ttl, extras] = answer;
  const [notedTopic, notedDue, notedExpiry, pause, aside, type, length, ...places] = answer.slice(10);
  const given = (value: Value | undefined) => (toText(value) === '' ? undefined : toBuffer(value));
  const [noted, pausedUntil] = [given(notedTopic), toText(pause)];
  return {
    now: new Date(Number(now)),
    pooledFor: toText(score) === '' ? undefined : toDate(due),
    bucketType: toText(bucketType),
    topic: given(topic),
    // An original client may have pushed an empty one, and it is delivered.
    body: Buffer.isBuffer(body) ? body : undefined,
    dueAt: toDate(due),
    expiresAt: toDate(expires),
    attempts: Number(attempts),
    kept: { ...toTtl(ttl, toDate(due), toDate(expires)), ...readExtras(extras) },
    noted: noted && { topic: noted, dueAt: toDate(notedDue), expiresAt: toDate(notedExpiry) },
    pausedUntilMs: toPauseEnd(pausedUntil),
    asideTopic: given(aside),
    list: { type: toText(type), length: Number(length) },
    places: Number(length) <= most ? places.map(Number) : undefined,
  };
}

/**
 * Until when (ms) a topic is paused, read as reserve does: Infinity until it is resumed; undefined when it is no
 * time.
 */
export function toPauseEnd(text: string): number | undefined {
  if (text === 'inf') return Infinity;
  const until = Number(text);
  return until > 0 ? Math.min(until, MAX_TIMESTAMP_MS) : undefined;
}
