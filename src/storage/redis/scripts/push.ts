import type { NewJob } from '../../../core/new-job.js';
import type { PushParams } from '../../../core/store.js';
import type { PushResult } from '../../../core/results.js';
import { packArray } from '../msgpack.js';
import { SCRIPTS } from '../scripts.generated.js';
import { type Part, runScript, type Target, toArray, toBuffer, toDate, toRows } from './run.js';

/** A larger body is an argument of its own: then it is not copied, and its size limit is Redis's own. */
export const LARGE_BODY_BYTES = 16 * 1024;
/** Where push.lua finds the first of these in ARGV. */
const FIRST_LARGE = 6;

/** The answers of push.lua, by number. */
const OUTCOMES: readonly PushResult['outcome'][] = [
  'pushed',
  'replaced',
  'repeated',
  'kept',
  'conflict',
  'blocked',
];

/** What clear_entries.lua found of an id in the ready list of a topic. */
export interface ClearedEntry {
  readonly topic: Buffer;
  readonly id: Buffer;
  /** From the left, or -1 for none. */
  readonly index: number;
  /** What scripts compare, to see whether a job of the id has become ready since the search began. */
  readonly standing: Buffer;
}

/** In place of an answer: with `keep`, there are too many leases to search them in one step. */
const NOT_SEARCHED = -1;

/** With `keep`: what is known of ids when the leases were searched in several steps. */
export interface SearchedIds {
  /** Of jobs that are leased, or wait for another one of their id. */
  readonly away: readonly Buffer[];
  /** Of jobs that were in the queue before the search. */
  readonly queued: readonly Buffer[];
}

export interface PushPart extends PushParams {
  readonly cleared: readonly ClearedEntry[];
  readonly searched?: SearchedIds | undefined;
}

/**
 * lua/push.lua
 * @returns of `searched` the ids that are in the queue, where nothing was pushed because the leases have to be searched
 *   in several steps before
 */
export async function push(
  target: Target,
  { jobs, onExisting, cleared, searched }: PushPart,
): Promise<Part<PushResult> | Pick<SearchedIds, 'queued'>> {
  const { packed, owns, large } = packJobs(jobs);
  const answer = await runScript(
    target,
    SCRIPTS.push,
    searched ? 'keep_known' : onExisting,
    target.keys.wakeChannel,
    packCleared(cleared),
    packArray(packed),
    owns.length === 0 ? '' : packArray(owns),
    ...large,
    ...(searched ? [packArray(searched.away), packArray(searched.queued)] : []),
  );
  if (answer[0] === NOT_SEARCHED) return { queued: answer.slice(1).map(toBuffer) };
  const unclear = toBuffer(answer[0]);
  const results: PushResult[] = [];
  for (let i = 1; i < answer.length; i += 2) {
    results.push({ outcome: OUTCOMES[Number(answer[i])] ?? 'unknown', dueAt: toDate(answer[i + 1]) });
  }
  return unclear.length === 0 ? { results } : { results, unclear };
}

/** What scripts are told of ready lists that were searched before. */
export function packCleared(cleared: readonly ClearedEntry[]): Buffer | '' {
  if (cleared.length === 0) return '';
  return packArray(cleared.flatMap(({ topic, id, index, standing }) => [topic, id, index, standing]));
}

function packJobs(jobs: readonly NewJob[]) {
  const packed: (Buffer | string | number)[] = [];
  const owns: (string | number)[] = [];
  const large: Buffer[] = [];
  for (const { id, topic, body, due, ttlMs, expiresAtMs, retries, backoff } of jobs) {
    const dueAt = 'delayMs' in due ? due.delayMs : `${due.atMs}`;
    const isLarge = body.length > LARGE_BODY_BYTES;
    if (isLarge) large.push(body);
    if (retries !== undefined || backoff !== undefined) {
      owns.push(packed.length + 1, retries ?? '', backoff?.firstMs ?? '', backoff?.lastMs ?? '');
    }
    const expiry = expiresAtMs === undefined ? ttlMs : `${expiresAtMs}`;
    packed.push(id, topic, isLarge ? FIRST_LARGE + large.length - 1 : body, dueAt, expiry);
  }
  return { packed, owns, large };
}

/** Where the search of a ready list goes on. */
export interface SearchPlace {
  /** From the left; 0: what was found before does not count, -1: the list is at its end. */
  readonly index: number;
  /** The id before that index. */
  readonly before: Buffer;
}

/** lua/clear_entries.lua; `standings` of the ids only where it begins from the left */
export async function clearEntries(
  target: Target,
  topic: Buffer,
  { index, before }: SearchPlace,
  ids: readonly Buffer[],
) {
  const answer = await runScript(target, SCRIPTS.clearEntries, topic, index, before, packArray(ids));
  const next: SearchPlace = { index: Number(answer[0]), before: toBuffer(answer[1]) };
  return {
    next,
    standings: toArray(answer[2]).map(toBuffer),
    left: [...toRows(answer, 3, 2)].map(([id, at]) => ({ id: toBuffer(id), index: Number(at) })),
  };
}
