import type { JobRecord, JobState } from '../../../core/job.js';
import { formatLease } from '../../../core/lease.js';
import { SCRIPTS } from '../scripts.generated.js';
import { runScript, type Target, toBuffer, toDate, toRows, toText, toWaitMs, type Value } from './run.js';

/** A job of the pool, by its place in it; both empty stand for the beginning, or the end. */
export interface PoolPlace {
  readonly score: string;
  readonly id: Buffer;
}

/** Narrows to jobs of a topic or of an id. */
interface Only {
  readonly topic?: Buffer;
  readonly id?: Buffer;
}

/** lua/list_pool.lua */
export async function listPool(target: Target, topic: Buffer, after: PoolPlace, limit: number, most: number) {
  const answer = await runScript(target, SCRIPTS.listPool, topic, after.score, after.id, limit, most);
  const now = Number(answer[2]);
  return {
    last: { score: toText(answer[0]), id: toBuffer(answer[1]) },
    jobs: [...toRows(answer, 3, 5)].map(([id, body, due, expires, attempts]): JobRecord => {
      const dueAt = new Date(Number(due));
      const state = dueAt.getTime() <= now ? 'due' : 'delayed';
      const times = { dueAt, expiresAt: toDate(expires) };
      return { id: toBuffer(id), topic, body: toBuffer(body), state, ...times, attempts: Number(attempts) };
    }),
  };
}

/** lua/list_ready.lua; stale entries are not among the jobs. */
export async function listReady(target: Target, topic: Buffer, skip: number, limit: number) {
  const answer = await runScript(target, SCRIPTS.listReady, topic, skip, limit);
  return {
    lookedAt: Number(answer[1]),
    atEnd: answer[2] === 1,
    jobs: [...toRows(answer, 3, 6)].flatMap(([id, body, due, expires, attempts, found]): JobRecord[] => {
      const state = toText(found) as 'ready' | 'expired' | 'stale';
      if (state === 'stale') return [];
      const times = { dueAt: toDate(due), expiresAt: toDate(expires) };
      const job = { id: toBuffer(id), topic, state, ...times, attempts: Number(attempts) };
      return [state === 'ready' ? { ...job, body: toBuffer(body) } : job];
    }),
  };
}

/** A job that is leased, or waits for another job of its id, and where its record is. */
export interface AwayJob {
  readonly job: JobRecord;
  readonly record: string;
  readonly number: number;
}

/** lua/list_leased.lua */
export async function listLeased(target: Target, first: number, only: Only) {
  const answer = await runScript(target, SCRIPTS.listLeased, first, only.topic ?? '', only.id ?? '');
  return { lookedAt: Number(answer[0]), jobs: [...toRows(answer, 1, 11)].map(toAwayJob) };
}

function toAwayJob(row: readonly Value[]): AwayJob {
  const [name, until, count, deadline, topic, number, id, body, due, expires, attempts] = row;
  const job = {
    id: toBuffer(id),
    topic: toBuffer(topic),
    body: toBuffer(body),
    dueAt: toDate(due),
    expiresAt: toDate(expires),
    attempts: Number(attempts),
  };
  const place = { record: toText(name), number: Number(number) };
  const [token = ''] = place.record.split('.');
  if (place.record.includes(':')) {
    return { ...place, job: { ...job, state: 'delayed', blockedBy: { type: 'duplicate_id' } } };
  }
  const lease = formatLease({
    token,
    number: place.number,
    count: Number(count),
    deadlineMs: Number(deadline),
  });
  return { ...place, job: { ...job, state: 'leased', lease, leaseUntil: new Date(Number(until)) } };
}

/** lua/list_dead.lua */
export async function listDead(target: Target, first: number, limit: number, only: Only) {
  const answer = await runScript(target, SCRIPTS.listDead, first, limit, only.topic ?? '', only.id ?? '');
  return {
    lookedAt: Number(answer[0]),
    jobs: [...toRows(answer, 1, 8)].map(
      ([id, topic, body, due, attempts, reason, failed, deleted]): JobRecord => ({
        id: toBuffer(id),
        topic: toBuffer(topic),
        body: toBuffer(body),
        state: 'dead',
        dueAt: toDate(due),
        attempts: Number(attempts),
        ...(toText(reason) === '' ? {} : { reason: toText(reason) }),
        failedAt: toDate(failed),
        deadUntil: toDate(deleted),
      }),
    ),
  };
}

/** lua/find.lua: the job of an id that is neither leased nor dead; undefined when there is none. */
export async function findLiving(target: Target, id: Buffer, depth: number): Promise<JobRecord | undefined> {
  const answer = await runScript(target, SCRIPTS.find, id, depth);
  if (answer.length === 0) return undefined;
  const [state, topic, body, due, expires, attempts, ahead, inTheWay] = answer;
  const [topicBytes, bodyBytes, found] = [toBuffer(topic), toBuffer(body), toText(inTheWay)];
  const key = target.keys.ready(topicBytes).toString();
  return {
    id,
    ...(topicBytes.length > 0 ? { topic: topicBytes } : {}),
    ...(bodyBytes.length > 0 ? { body: bodyBytes } : {}),
    state: toText(state) as JobState,
    dueAt: toDate(due),
    expiresAt: toDate(expires),
    attempts: Number(attempts),
    readyAhead: toWaitMs(ahead),
    ...(found === '' ? {} : { blockedBy: { type: 'wrong_type', key, found, wanted: 'list' } as const }),
  };
}
