import { chunks } from '../../core/chunks.js';
import type { JobRecord } from '../../core/job.js';
import type { JobToTake, RemoveParams } from '../../core/store.js';
import type { RemoveResult } from '../../core/results.js';
import type { Caller } from './caller.js';
import type { EntrySearch } from './inspect/entries.js';
import { findAway } from './inspect/find.js';
import type { AwayJob } from './scripts/list.js';
import { CHUNK, clearing, inParts, partlyDone, type PushSteps } from './push.js';
import * as scripts from './scripts/operate.js';
import type { Removal } from './scripts/operate.js';
import type { ClearedEntry } from './scripts/push.js';
import type { Part } from './scripts/run.js';

/** Jobs whose leases are looked through at once, and whose entries in ready lists. */
const CHUNK_JOBS = 1000;
/** Runs of the script that are with Redis at once. */
const UNDER_WAY = 2;

/** The functions of the store that removing needs. */
interface RemoveSteps {
  /**
   * Removes jobs that are not leased, up to the first for which a long ready list has to be searched by other
   * scripts first.
   */
  readonly remove: (
    jobs: readonly Removal[],
    cleared: readonly ClearedEntry[],
  ) => Promise<Part<RemoveResult>>;
  readonly clear: PushSteps['clear'];
  readonly findAway: (ids: readonly Buffer[]) => Promise<AwayJob[]>;
  /** By id, the topic in whose ready list there is an entry without a note. */
  readonly findEntries: (ids: readonly Buffer[]) => Promise<ReadonlyMap<string, Buffer>>;
  /** Removes the first of these jobs from their records; answers whether each was still there. */
  readonly revoke: (jobs: readonly AwayJob[]) => Promise<boolean[]>;
}

export async function remove(
  caller: Caller,
  search: EntrySearch,
  { jobs }: RemoveParams,
): Promise<RemoveResult[]> {
  const steps: RemoveSteps = {
    remove: (some, cleared) => caller.run('never', (target) => scripts.remove(target, some, cleared)),
    clear: clearing(caller),
    findAway: (ids) => findAway(caller.read, ids),
    findEntries: (ids) => search.find(ids),
    revoke: (some) => caller.run('never', (target) => scripts.revoke(target, some)),
  };
  const results: RemoveResult[] = [];
  for (const chunk of chunks(jobs, CHUNK_JOBS)) results.push(...(await removeChunk(steps, chunk)));
  return results;
}

const nameOf = (id: Uint8Array): string => Buffer.from(id).toString('latin1');

/** Is a job of the guard's id as it is believed to be? */
const isWanted = ({ states, dueAt, topic, body, isWaiting }: JobToTake, job: JobRecord): boolean =>
  states.includes(job.state) &&
  (dueAt === undefined || job.dueAt?.getTime() === dueAt.getTime()) &&
  (topic === undefined || job.topic?.equals(topic) === true) &&
  (body === undefined || job.body?.equals(body) === true) &&
  (isWaiting === undefined || isWaiting === (job.isWaiting ?? false));

function byId<T extends { readonly id: Uint8Array }>(items: readonly T[]): Map<string, Set<T>> {
  const groups = new Map<string, Set<T>>();
  for (const item of items) {
    const name = nameOf(item.id);
    groups.set(name, (groups.get(name) ?? new Set()).add(item));
  }
  return groups;
}

/**
 * Removes a chunk of jobs, wherever they are; leases are searched only for jobs that are found nowhere else.
 */
async function removeChunk(steps: RemoveSteps, jobs: readonly JobToTake[]): Promise<RemoveResult[]> {
  const results = await removeLiving(steps, jobs);
  const sought = jobs.filter(({ states }, i) => states.includes('leased') || results[i]?.state === undefined);
  if (sought.length === 0) return results;
  const queued = jobs.filter((_, i) => ![undefined, 'dead'].includes(results[i]?.state));
  const isQueued = new Set(queued.map(({ id }) => nameOf(id)));
  const away = await steps.findAway(sought.map(({ id }) => id));
  const seen = new Map(away.map(({ job }) => [nameOf(job.id), job.state]));
  const { gone, missed } = await revokeWanted(steps, sought, away);
  const revoked = byId(gone);
  // If a lease ended before its record was looked at, or before it was revoked, its job is back by now, and is removed
  // from its place.
  const isNowhere = ({ id }: JobToTake) => !seen.has(nameOf(id)) && !isQueued.has(nameOf(id));
  const lost = sought.filter((job) => missed.has(nameOf(job.id)) || isNowhere(job));
  const again = lost.length > 0 ? await removeListed(steps, lost) : [];
  return jobs.map((job, i): RemoveResult => {
    const ofId = revoked.get(nameOf(job.id)) ?? new Set();
    const own = [...ofId].filter((one) => isWanted(job, one));
    // The same job once more finds nothing.
    for (const one of own) ofId.delete(one);
    const result = results[i] ?? { removed: false };
    if (result.removed) return result;
    if (own[0]) return { removed: true, state: own[0].state };
    const later = again[lost.indexOf(job)];
    if (later?.removed === true || (result.state === undefined && later?.state !== undefined)) return later;
    return result.state === undefined ? { removed: false, state: seen.get(nameOf(job.id)) } : result;
  });
}

/**
 * Removes jobs from the pool and from ready lists; when expired jobs are meant, entries without a note as well.
 */
async function removeLiving(steps: RemoveSteps, jobs: readonly JobToTake[]): Promise<RemoveResult[]> {
  const results = await removeListed(steps, jobs);
  const isLost = ({ states }: JobToTake, i: number) =>
    states.includes('expired') &&
    results[i]?.removed === false &&
    [undefined, 'dead'].includes(results[i].state);
  const lost = jobs.filter(isLost);
  const seen = await steps.findEntries(lost.map(({ id }) => id));
  const listed = lost.filter(({ id }) => seen.has(nameOf(id)));
  if (listed.length === 0) return results;
  const again = await removeListed(
    steps,
    listed.map((job) => ({ ...job, seenIn: seen.get(nameOf(job.id)) })),
  );
  return jobs.map((job, i) => again[listed.indexOf(job)] ?? results[i] ?? { removed: false });
}

/**
 * An entry in a long ready list is found in several steps, of which each is short. While the answer to one is read, the
 * next is with Redis.
 */
async function removeListed(steps: RemoveSteps, jobs: readonly Removal[]): Promise<RemoveResult[]> {
  const results: RemoveResult[] = [];
  const parts = chunks(jobs, CHUNK.jobs);
  let [at, done] = [0, 0];
  const lane = async () => {
    for (const part of parts) {
      const from = at;
      at += part.length;
      const some = await inParts(steps, part, (jobs, cleared) => steps.remove(jobs, cleared));
      for (const [i, result] of some.entries()) results[from + i] = result;
      done += some.length;
    }
  };
  // A failure is told when nothing is under way any more.
  const lanes = await Promise.allSettled(Array.from({ length: UNDER_WAY }, lane));
  for (const ended of lanes)
    if (ended.status === 'rejected') throw partlyDone(ended.reason, done, jobs.length);
  return results;
}

/** @returns the jobs that were removed from their records, and the ids of those that were gone */
async function revokeWanted(
  steps: RemoveSteps,
  guards: readonly JobToTake[],
  away: readonly AwayJob[],
): Promise<{ gone: readonly JobRecord[]; missed: Set<string> }> {
  const guardsOf = byId(guards);
  const wanted = away.filter(({ job }) =>
    [...(guardsOf.get(nameOf(job.id)) ?? [])].some((guard) => isWanted(guard, job)),
  );
  const revoked: boolean[] = [];
  try {
    while (revoked.length < wanted.length)
      revoked.push(...(await steps.revoke(wanted.slice(revoked.length))));
  } catch (error) {
    throw partlyDone(error, revoked.length, wanted.length);
  }
  const gone = wanted.filter((_, i) => revoked[i] === true).map(({ job }) => job);
  const missed = wanted.filter((_, i) => revoked[i] !== true).map(({ job }) => nameOf(job.id));
  return { gone, missed: new Set(missed) };
}
