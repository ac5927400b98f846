import { DelayerError } from '../../core/errors.js';
import type { PushResult } from '../../core/results.js';
import type { PushParams } from '../../core/store.js';
import { jobChunks } from '../chunk.js';
import { monotonicMs } from '../../core/timer.js';
import type { Caller } from './caller.js';
import { findAway } from './inspect/find.js';
import { findQueued } from './inspect/find-queued.js';
import { findWhatArrived } from './push-recovery.js';
import * as scripts from './scripts/push.js';
import type { ClearedEntry, SearchedIds, SearchPlace } from './scripts/push.js';
import type { Part } from './scripts/run.js';

/** How many jobs, or bytes of bodies, one run of a script is given, so that it takes less than a few ms. */
export const CHUNK = { jobs: 250, bytes: 1024 * 1024 };
/** How many jobs a run is given that stops by itself when its time is over. */
const [LEAST_JOBS, MOST_JOBS] = [32, 1000];

/** The functions of the store that pushing needs. */
export interface PushSteps {
  /** Pushes jobs, up to the first for which a long ready list has to be searched by other scripts first. */
  readonly push: (params: PushParams, cleared: readonly ClearedEntry[]) => Promise<Part<PushResult>>;
  /** Searches a part of a ready list for old entries of ids, and removes them. */
  readonly clear: (
    topic: Buffer,
    from: SearchPlace,
    ids: readonly Buffer[],
  ) => ReturnType<typeof scripts.clearEntries>;
}

export async function push(caller: Caller, { jobs, onExisting }: PushParams): Promise<PushResult[]> {
  const steps: PushSteps = {
    push: (params, cleared) => pushPart(caller, params, cleared),
    clear: clearing(caller),
  };
  const results: PushResult[] = [];
  for (const chunk of jobChunks(jobs, CHUNK))
    results.push(...(await pushChunk(steps, { jobs: chunk, onExisting })));
  return results;
}

/** How old entries are removed from a ready list. */
export function clearing(caller: Caller): PushSteps['clear'] {
  return (topic, from, ids) =>
    caller.run('best-effort', (target) => scripts.clearEntries(target, topic, from, ids));
}

async function pushPart(
  caller: Caller,
  params: PushParams,
  cleared: readonly ClearedEntry[],
): Promise<Part<PushResult>> {
  const run = (searched?: SearchedIds) =>
    caller.run('never', (target) => scripts.push(target, { ...params, cleared, searched }));
  const sentAtMs = monotonicMs();
  try {
    const part = await run();
    if (!('queued' in part)) return part;
    const away = await findAway(
      caller.read,
      params.jobs.map(({ id }) => id),
    );
    const again = await run({ away: away.map(({ job }) => Buffer.from(job.id)), queued: part.queued });
    if ('queued' in again) throw new Error('push.lua searches leases that were searched before');
    return again;
  } catch (error) {
    if (!(error instanceof DelayerError) || error.code !== 'outcome_unknown') throw error;
    const recovery = { findQueued: (id: Buffer) => findQueued(caller, id), now: caller.now };
    return { results: await findWhatArrived(recovery, params, sentAtMs, error) };
  }
}

const keyOf = (id: Uint8Array = Buffer.alloc(0)): string => Buffer.from(id).toString('latin1');

/**
 * Pushes a chunk of jobs in order. An old entry of one of their ids would deliver the job early to other clients; in
 * a long ready list it is found in several short steps.
 * @throws DelayerError `outcome_unknown` also where a step fails after some of the jobs were pushed
 */
export function pushChunk(steps: PushSteps, { jobs, onExisting }: PushParams): Promise<PushResult[]> {
  return inParts(steps, jobs, (some, cleared) => steps.push({ jobs: some, onExisting }, cleared));
}

/**
 * Handles jobs in order. If a long ready list has to be searched first, it is searched in between, in several steps.
 * @throws DelayerError `outcome_unknown` also where a step fails after some of the jobs were dealt with
 */
export async function inParts<J extends { readonly id: Buffer }, T>(
  { clear }: Pick<PushSteps, 'clear'>,
  jobs: readonly J[],
  step: (jobs: readonly J[], cleared: readonly ClearedEntry[]) => Promise<Part<T>>,
): Promise<T[]> {
  const results: T[] = [];
  let cleared: ClearedEntry[] = [];
  let most = CHUNK.jobs;
  try {
    for (;;) {
      const rest = jobs.slice(results.length, results.length + most);
      const part = await step(rest, cleared);
      results.push(...part.results);
      const { unclear } = part;
      if (unclear === undefined) {
        if (part.results.length === 0 || results.length === jobs.length) return results;
        most = nextPart(rest.length, part.results.length);
        continue;
      }
      const ids = rest.slice(part.results.length).map(({ id }) => id);
      const others = cleared.filter(({ topic }) => !topic.equals(unclear));
      cleared = [...others, ...(await clearList({ clear }, unclear, ids))];
    }
  } catch (error) {
    throw partlyDone(error, results.length, jobs.length);
  }
}

/** What is thrown where a step fails: the outcome is unknown where some of the jobs were dealt with before. */
export function partlyDone(error: unknown, done: number, jobs: number): unknown {
  if (done === 0 || !(error instanceof DelayerError)) return error;
  const message = `${error.message}; ${done} of ${jobs} jobs had been processed by then`;
  return new DelayerError('outcome_unknown', message, { hint: error.hint, cause: error });
}

/** How many jobs the next run is given, after one that was given so many, and had time for some of them. */
export function nextPart(given: number, dealtWith: number): number {
  return dealtWith < given ? Math.max(LEAST_JOBS, dealtWith) : Math.min(MOST_JOBS, 2 * given);
}

/** @returns for each id the index of its remaining entry, or that there is none */
export async function clearList(
  { clear }: Pick<PushSteps, 'clear'>,
  topic: Buffer,
  ids: readonly Buffer[],
): Promise<ClearedEntry[]> {
  const left = new Map<string, { id: Buffer; index: number }>();
  const standings = new Map<string, Buffer>();
  let from: SearchPlace = { index: 0, before: Buffer.alloc(0) };
  while (from.index >= 0) {
    if (from.index === 0) left.clear();
    const part = await clear(topic, from, ids);
    for (const [i, standing] of part.standings.entries()) standings.set(keyOf(ids[i]), standing);
    // A part may begin before the end of the one before.
    for (const entry of part.left) left.set(`${entry.index} ${keyOf(entry.id)}`, entry);
    from = part.next;
  }
  const entries = [...left.values()];
  const isLeft = new Set(entries.map(({ id }) => keyOf(id)));
  const none = ids.filter((id) => !isLeft.has(keyOf(id))).map((id) => ({ id, index: -1 }));
  return [...none, ...entries].map(({ id, index }) => {
    return { topic, id, index, standing: standings.get(keyOf(id)) ?? Buffer.alloc(0) };
  });
}
