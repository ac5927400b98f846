import { chunks } from '../../core/chunks.js';
import type { JobRecord, JobState } from '../../core/job.js';
import type { JobGuard, RemoveParams } from '../../core/store.js';
import type { RemoveResult } from '../../core/results.js';
import type { Caller } from './caller.js';
import type { EntrySearch } from './inspect/entries.js';
import { findAway } from './inspect/find.js';
import type { AwayJob } from './scripts/list.js';
import { CHUNK, clearing, inParts, type PushSteps } from './push.js';
import * as scripts from './scripts/operate.js';
import type { Removal } from './scripts/operate.js';
import type { ClearedEntry } from './scripts/push.js';
import type { Part } from './scripts/run.js';

/** What removing needs of the store. */
interface RemoveSteps {
  /** Removes what is not leased, up to the first that needs to know more of a ready list than one script can find out. */
  readonly remove: (
    jobs: readonly Removal[],
    cleared: readonly ClearedEntry[],
  ) => Promise<Part<RemoveResult>>;
  readonly clear: PushSteps['clear'];
  readonly findAway: (ids: readonly Buffer[]) => Promise<AwayJob[]>;
  /** By id, the topic in whose ready list an entry stands of which nobody has a note. */
  readonly findEntries: (ids: readonly Buffer[]) => Promise<ReadonlyMap<string, Buffer>>;
  /** Takes jobs out of their records; answers whether each was still there. */
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
  for (const chunk of chunks(jobs, CHUNK.jobs)) results.push(...(await removeChunk(steps, chunk)));
  return results;
}

const nameOf = (id: Uint8Array): string => Buffer.from(id).toString('latin1');

const isWanted = ({ states, dueAt }: JobGuard, job: JobRecord): boolean =>
  states.includes(job.state) && (dueAt === undefined || job.dueAt?.getTime() === dueAt.getTime());

/** Removes a chunk of jobs, wherever they are; leases are looked through only where the rest says nothing. */
async function removeChunk(steps: RemoveSteps, jobs: readonly JobGuard[]): Promise<RemoveResult[]> {
  const results = await removeLiving(steps, jobs);
  const sought = jobs.filter(({ states }, i) => states.includes('leased') || results[i]?.state === undefined);
  if (sought.length === 0) return results;
  const away = await steps.findAway(sought.map(({ id }) => id));
  const seen = new Map(away.map(({ job }) => [nameOf(job.id), job.state]));
  const { gone, missed } = await revokeWanted(steps, sought, away);
  // A lease that ended meanwhile has brought its job back, to be removed where it is now.
  const lost = sought.filter(({ id }) => missed.has(nameOf(id)));
  const again = lost.length > 0 ? await removeListed(steps, lost) : [];
  return jobs.map((job, i): RemoveResult => {
    const name = nameOf(job.id);
    const state = gone.get(name);
    // The same id once more finds nothing.
    gone.delete(name);
    const result = results[i] ?? { removed: false };
    if (result.removed) return result;
    if (state) return { removed: true, state };
    if (result.state !== undefined) return result;
    const later = again[lost.indexOf(job)];
    return later?.state === undefined ? { removed: false, state: seen.get(name) } : later;
  });
}

/** Removes what has a place in the pool or in a ready list: one that is not noted, too, where expired jobs are meant. */
async function removeLiving(steps: RemoveSteps, jobs: readonly JobGuard[]): Promise<RemoveResult[]> {
  const results = await removeListed(steps, jobs);
  const isLost = ({ states }: JobGuard, i: number) =>
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

/** An entry in a long ready list is found in several steps, of which each is short. */
function removeListed(steps: RemoveSteps, jobs: readonly Removal[]): Promise<RemoveResult[]> {
  return inParts(steps, jobs, (some, cleared) => steps.remove(some, cleared));
}

/** @returns by id, the states of the jobs that were removed, and the ids of those that were gone already */
async function revokeWanted(
  steps: RemoveSteps,
  guards: readonly JobGuard[],
  away: readonly AwayJob[],
): Promise<{ gone: Map<string, JobState>; missed: Set<string> }> {
  const guardOf = new Map(guards.map((guard) => [nameOf(guard.id), guard]));
  const wanted = away.filter(({ job }) => {
    const guard = guardOf.get(nameOf(job.id));
    return guard !== undefined && isWanted(guard, job);
  });
  const revoked = wanted.length === 0 ? [] : await steps.revoke(wanted);
  const [gone, missed] = [new Map<string, JobState>(), new Set<string>()];
  for (const [i, { job }] of wanted.entries()) {
    if (revoked[i] === true) gone.set(nameOf(job.id), job.state);
    else missed.add(nameOf(job.id));
  }
  return { gone, missed };
}
