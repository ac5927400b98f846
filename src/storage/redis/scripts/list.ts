import type { JobRecord } from '../../../core/job.js';
import { firstKey, formatLease } from '../../../core/lease.js';
import type { Keys } from '../keys.js';
import { unpackArray } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import { readExtras } from './extras.js';
import { runScript, type Target, toBuffer, toDate, toRows, toText, type Value } from './run.js';

/**
 * A member of a sorted set, by its place there. If both are empty it is the beginning, or the end; a score alone is
 * where that score begins.
 */
export interface SetPlace {
  readonly score: string;
  readonly id: Buffer;
  /** Where the member has several dead letters: how many of them, the oldest, come still before the next member. */
  readonly older?: number | undefined;
}

export const SET_START: SetPlace = { score: '', id: Buffer.alloc(0) };

interface PoolPart {
  /** All topics when absent. */
  readonly topic?: Buffer | undefined;
  readonly after: SetPlace;
  readonly limit: number;
  /** The most jobs that it answers. */
  readonly most: number;
  readonly latestFirst?: boolean | undefined;
  /** What is read of each job; `all` when absent. Of the others nothing tells whether there still is a body. */
  readonly wanted?: 'place' | 'topic' | 'all' | undefined;
}

/** How many values there are of a job. */
const POOLED = { place: 2, topic: 3, all: 6 } as const;

/** lua/list_pool.lua */
export async function listPool(
  target: Target,
  { topic, after, limit, most, latestFirst = false, wanted = 'all' }: PoolPart,
) {
  const place = [after.score, after.id, limit, most, latestFirst ? 1 : 0] as const;
  const answer = await runScript(target, SCRIPTS.listPool, topic ?? '', ...place, wanted);
  const now = Number(answer[2]);
  const rows = unpackArray(toBuffer(answer[4])) ?? [];
  const jobs: JobRecord[] = [];
  for (let i = 0; i < rows.length; i += POOLED[wanted])
    jobs.push(wanted === 'all' ? toPooledJob(rows, i, now) : toPlace(rows, i, wanted, now));
  return { last: toSetPlace(answer), lookedAt: Number(answer[3]), jobs };
}

function toPooledJob(rows: readonly Value[], at: number, now: number): JobRecord {
  const [job, expiresAt] = [toPlace(rows, at, 'topic', now), toDate(rows[at + 3])];
  const state = expiresAt !== undefined && expiresAt.getTime() <= now ? 'expired' : job.state;
  return withMore({ ...job, body: toBuffer(rows[at + 4]), state, expiresAt }, toBuffer(rows[at + 5]));
}

function toPlace(rows: readonly Value[], at: number, wanted: 'place' | 'topic', now: number): JobRecord {
  const [id, dueAt] = [toBuffer(rows[at]), new Date(Number(rows[at + 1]))];
  const topic = wanted === 'topic' ? toBuffer(rows[at + 2]) : undefined;
  return { id, topic, state: dueAt.getTime() <= now ? 'due' : 'delayed', dueAt, attempts: 0 };
}

/** A job with its lifetime, and with its extras, which most jobs do not have. */
function withMore(job: JobRecord, packed: Buffer): JobRecord {
  const { dueAt, expiresAt } = job;
  if (packed.length === 0) {
    if (!dueAt || !expiresAt) return job;
    return { ...job, ttlMs: Math.max(0, expiresAt.getTime() - dueAt.getTime()) };
  }
  const [attempts, ttl, extras] = unpackArray(packed) ?? [];
  return { ...job, ...toTtl(ttl, dueAt, expiresAt), attempts: Number(attempts ?? 0), ...readExtras(extras) };
}

const toSetPlace = ([score, id]: readonly Value[]): SetPlace => ({ score: toText(score), id: toBuffer(id) });

/** The ready lifetime if it was written down, else the time between due time and expiry. */
export function toTtl(
  kept: Value | undefined,
  dueAt: Date | undefined,
  expiresAt: Date | undefined,
): Pick<JobRecord, 'ttlMs'> {
  if (toText(kept) !== '') return { ttlMs: Number(kept) };
  return dueAt && expiresAt ? { ttlMs: Math.max(0, expiresAt.getTime() - dueAt.getTime()) } : {};
}

/**
 * lua/list_ready.lua. Entries whose job is not of this list any more are left out.
 * @param behind the last of the `skip` entries that are passed over
 * @returns nothing when another entry stands there
 */
export async function listReady(
  target: Target,
  topic: Buffer,
  {
    skip,
    limit,
    behind,
  }: { readonly skip: number; readonly limit: number; readonly behind?: Buffer | undefined },
) {
  const answer = await runScript(target, SCRIPTS.listReady, topic, skip, limit, behind ?? '');
  if (Number(answer[1]) < 0) return undefined;
  const rows = unpackArray(toBuffer(answer[3])) ?? [];
  const [ids, jobs]: [Buffer[], JobRecord[]] = [[], []];
  for (let i = 0; i < rows.length; i += 6) {
    ids.push(toBuffer(rows[i]));
    const job = toReadyJob(target.keys, topic, rows, i);
    if (job) jobs.push(job);
  }
  return { lookedAt: Number(answer[1]), atEnd: answer[2] === 1, ids, jobs };
}

/** Undefined for an entry whose job is not of this list any more. */
function toReadyJob(keys: Keys, topic: Buffer, rows: readonly Value[], at: number): JobRecord | undefined {
  const [id, word] = [toBuffer(rows[at]), toText(rows[at + 1])];
  if (word === 'pooled' || word === 'other' || word === 'hole') return undefined;
  if (word !== 'ready') {
    const times = { dueAt: undefined, expiresAt: undefined };
    return { id, topic, ...times, attempts: 0, state: 'expired', ...lostBody(keys, id, word) };
  }
  const [dueAt, expiresAt] = [toDate(rows[at + 3]), toDate(rows[at + 4])];
  const body = toBuffer(rows[at + 2]);
  return withMore({ id, topic, dueAt, expiresAt, attempts: 0, state: 'ready', body }, toBuffer(rows[at + 5]));
}

/** lua/list_aside.lua: a part of the ready jobs that were set aside. */
export async function listAside(target: Target, cursor: string) {
  const answer = await runScript(target, SCRIPTS.listAside, cursor);
  return {
    next: toText(answer[0]),
    jobs: [...toRows(answer, 1, 4)].map(([id, topic, due, type]): JobRecord => ({
      id: toBuffer(id),
      topic: toBuffer(topic),
      state: 'expired',
      dueAt: toDate(due),
      attempts: 0,
      ...lostBody(target.keys, toBuffer(id), toText(type)),
    })),
  };
}

/** What stands in the place of a body, by the words of lua/list_ready.lua and lua/find.lua. */
export function lostBody(keys: Keys, id: Buffer, what: string): Pick<JobRecord, 'blockedBy' | 'flaw'> {
  if (what === 'none' || what === 'expired') return {};
  if (what === 'hash' || what === 'incomplete') return { flaw: { type: 'body_incomplete' } };
  return wrongType(Buffer.concat([Buffer.from(keys.bucketStem), id]), what, 'hash');
}

/** The error of a key with a wrong type, which is in the way of a job. */
export function wrongType(key: Buffer, found: string, wanted: string): Pick<JobRecord, 'blockedBy'> {
  return { blockedBy: { type: 'wrong_type', key: key.toString(), found, wanted } };
}

/** A job that is leased, or waits for another one of its id, and the record that it is in. */
export interface AwayJob {
  readonly job: JobRecord;
  readonly record: string;
  readonly number: number;
}

/** lua/list_leased.lua */
export async function listLeased(target: Target, topic: Buffer | undefined, after: SetPlace) {
  const answer = await runScript(target, SCRIPTS.listLeased, topic ?? '', after.score, after.id);
  return { last: toSetPlace(answer), jobs: [...toRows(answer, 2, 15)].map(toAwayJob) };
}

/** lua/find_leased.lua */
export async function findLeased(target: Target, ids: readonly Buffer[], after: SetPlace) {
  const answer = await runScript(target, SCRIPTS.findLeased, after.score, after.id, ...ids);
  return { last: toSetPlace(answer), jobs: [...toRows(answer, 2, 15)].map(toAwayJob) };
}

function toAwayJob(row: readonly Value[]): AwayJob {
  const [name, until, count, deadline, since, topic, number, ...rest] = row;
  const [id, body, due, expires, attempts, ttl, extras, holder] = rest;
  const [dueAt, expiresAt] = [toDate(due), toDate(expires)];
  const job = {
    id: toBuffer(id),
    topic: toBuffer(topic),
    body: toBuffer(body),
    dueAt,
    expiresAt,
    ...toTtl(ttl, dueAt, expiresAt),
    attempts: Number(attempts),
    ...readExtras(extras),
  };
  const place = { record: toText(name), number: Number(number) };
  const [token = ''] = place.record.split('.');
  if (place.record.includes(':')) {
    return {
      ...place,
      job: { ...job, state: 'delayed', isWaiting: true, blockedBy: { type: 'duplicate_id' } },
    };
  }
  const lease = formatLease({
    token,
    number: place.number,
    count: Number(count),
    deadlineMs: Number(deadline),
  });
  // The first release did not write down when a job was taken.
  const leasedAt = Number(since) === 0 ? undefined : toDate(since);
  const leaseUntil = new Date(Number(until));
  const leasedBy = toText(holder) === '' ? undefined : toText(holder);
  const { key = firstKey(lease) } = job;
  const held = { key, lease, leasedAt, leaseUntil, ...(leasedBy !== undefined && { leasedBy }) };
  return { ...place, job: { ...job, state: 'leased', ...held } };
}

/**
 * lua/list_dead.lua
 * @returns of an id alone `last` has only how many of its letters are still to be read
 */
export async function listDead(
  target: Target,
  only: { readonly topic?: Buffer | undefined; readonly id?: Buffer },
  after: SetPlace = SET_START,
  limit = 1,
) {
  const { topic = '', id = '' } = only;
  const from = [after.score, after.id, after.older ?? 0] as const;
  const answer = await runScript(target, SCRIPTS.listDead, topic, id, ...from, limit);
  const last: SetPlace = { ...toSetPlace(answer), older: Number(answer[2]) };
  return {
    last,
    jobs: [...toRows(answer, 3, 10)].map(
      ([id, topic, body, due, attempts, reason, failed, deleted, ttl, extras]): JobRecord => ({
        id: toBuffer(id),
        topic: toBuffer(topic),
        body: toBuffer(body),
        state: 'dead',
        dueAt: toDate(due),
        ...toTtl(ttl, undefined, undefined),
        attempts: Number(attempts),
        ...(toText(reason) === '' ? {} : { reason: toText(reason) }),
        failedAt: toDate(failed),
        deadUntil: toDate(deleted),
        ...readExtras(extras),
      }),
    ),
  };
}
