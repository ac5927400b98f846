import type { LeasedJob, OwnRetry } from '../../../core/job.js';
import { formatLeases } from '../../../core/lease-groups.js';
import { formatLease, LOCK_MS } from '../../../core/lease.js';
import type { Burial } from '../../../core/results.js';
import { DEFAULT_RETRY } from '../../../core/retry-policy.js';
import type { ReserveParams } from '../../../core/store.js';
import { packArray } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import { PROMOTE_LIMIT } from './maintain.js';
import { packPolicy, toBurials, toOwnRetry } from './extras.js';
import {
  runScript,
  type Target,
  toArray,
  toBuffer,
  toDate,
  toText,
  toRows,
  toWaitMs,
  type Value,
} from './run.js';

/** Jobs in one answer. Their bodies stay under RESERVE_BYTES, but at least one job is given. */
const RESERVE_LIMIT = 500;
const RESERVE_BYTES = 1024 * 1024;

/** Where the rows of jobs begin in the answer, and how many values each has. */
const FIRST_ROW = 11;
const ROW = 6;

export interface ReserveAnswer {
  readonly jobs: LeasedJob[];
  /** Is there more to look at than one run does? */
  readonly more: boolean;
  readonly nextInMs: number | undefined;
  readonly stuck: number;
  readonly isPaused: boolean;
  /** No jobs were found, and other clients may have left something over. */
  readonly isUntidy: boolean;
  readonly buried: Burial[];
}

/** The longest time that another owner still has the lock. */
export interface LockedAnswer {
  readonly lockedMs: number;
}

/**
 * lua/reserve.lua
 * @param reclaimFirst when leases have ended, do nothing and say so
 */
export async function reserve(
  target: Target,
  params: ReserveParams,
  { skip, reclaimFirst }: { readonly skip: number; readonly reclaimFirst: boolean },
): Promise<ReserveAnswer | LockedAnswer | 'leases have ended'> {
  const { topics, limit, leaseMs, token, policy, holder, lock } = params;
  const deadTtlMs = policy?.deadTtlMs ?? DEFAULT_RETRY.deadTtlMs;
  const most = Math.min(limit, RESERVE_LIMIT);
  const answer = await runScript(
    target,
    SCRIPTS.reserve,
    token,
    packPolicy(policy),
    holder ?? '',
    lock ? packArray([lock.name, Buffer.from(lock.owner), LOCK_MS]) : '',
    packArray([most, leaseMs, skip, PROMOTE_LIMIT, RESERVE_BYTES, deadTtlMs, reclaimFirst ? 1 : 0]),
    ...topics,
  );
  if (answer[0] === -2) return { lockedMs: Number(answer[1]) };
  if (answer[0] === -1) return 'leases have ended';
  return {
    jobs: toLeasedJobs(answer, token),
    more: answer[0] === 1,
    nextInMs: toWaitMs(answer[1]),
    stuck: Number(answer[2]),
    isPaused: answer[3] === 1,
    isUntidy: answer[8] === 1,
    buried: toBurials(answer[10]),
  };
}

function toLeasedJobs(answer: readonly Value[], token: string): LeasedJob[] {
  const leaseUntil = new Date(Number(answer[4]));
  const [count, deadlineMs] = [Number(answer[6]), Number(answer[7])];
  const topicOf = topicByNumber(answer[5] as Buffer | Value[]);
  const ownOf = ownByNumber(answer[9]);
  // Some jobs of an answer that is given again may be gone.
  const isWhole = answer.length === FIRST_ROW + count * ROW;
  const leases = isWhole ? formatLeases({ token, count, deadlineMs }) : [];
  const jobs: LeasedJob[] = [];
  // By index: drain reads tens of thousands of these a second.
  for (let i = FIRST_ROW; i < answer.length; i += ROW) {
    const number = Number(answer[i]);
    jobs.push({
      id: toBuffer(answer[i + 1]),
      topic: topicOf(number),
      body: toBuffer(answer[i + 2]),
      state: 'leased',
      dueAt: toDate(answer[i + 3]),
      expiresAt: toDate(answer[i + 4]),
      attempts: Number(answer[i + 5]),
      lease: leases[number - 1] ?? formatLease({ token, number, count, deadlineMs }),
      leaseUntil,
      key: `${token}.${number}`,
      ...ownOf?.get(number),
    });
  }
  return jobs;
}

/** Key and retry settings of jobs that have their own; undefined when none has. */
function ownByNumber(value: Value | undefined) {
  const owns = toArray(value);
  if (owns.length === 0) return undefined;
  const byNumber = new Map<number, OwnRetry & { key?: string }>();
  for (const [number, key, retries, first, last] of toRows(owns, 0, 5)) {
    const own = toOwnRetry(retries, first, last);
    byNumber.set(Number(number), toText(key) === '' ? own : { ...own, key: toText(key) });
  }
  return byNumber;
}

/** The topics of a reservation: one name, or alternately a name and the number of its last job. */
function topicByNumber(topics: Buffer | readonly Value[]): (number: number) => Buffer {
  if (Buffer.isBuffer(topics)) return () => topics;
  return (number) => {
    let i = 0;
    while (i + 2 < topics.length && number > Number(topics[i + 1])) i += 2;
    return toBuffer(topics[i]);
  };
}
