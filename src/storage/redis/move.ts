import { chunks } from '../../core/chunks.js';
import type { JobState } from '../../core/job.js';
import type { EditResult, PromoteResult, RescheduleResult } from '../../core/results.js';
import type { EditParams, JobGuard, PromoteParams, RescheduleJob } from '../../core/store.js';
import type { Caller } from './caller.js';
import { findAway } from './inspect/find.js';
import { CHUNK, clearing, clearList, nextPart } from './push.js';
import { readScore } from './score.js';
import * as scripts from './scripts/move.js';
import type { ClearedEntry } from './scripts/push.js';

/** Scores that are read at once. */
const CHUNK_SCORES = 5000;

export async function promote(
  caller: Caller,
  { jobs, latestFirst }: PromoteParams,
): Promise<PromoteResult[]> {
  const asked = jobs.map((job, at) => ({ job, at }));
  // If several runs promote, the jobs of the last run stand first.
  if (jobs.length > 1 && !latestFirst) {
    const scores = await readScores(caller, jobs);
    const score = (at: number) => readScore(scores[at] ?? '0');
    asked.sort((a, b) => score(b.at) - score(a.at) || Buffer.compare(b.job.id, a.job.id));
  }
  const done = await inParts(
    asked.map(({ job }) => job),
    (part) => caller.run('never', (target) => scripts.promote(target, part)),
  );
  const results: PromoteResult[] = [];
  for (const [i, { at }] of asked.entries()) results[at] = done[i] ?? { promoted: false };
  return withAway(caller, jobs, results);
}

export async function reschedule(
  caller: Caller,
  jobs: readonly RescheduleJob[],
): Promise<RescheduleResult[]> {
  const results = await inParts(jobs, (part) =>
    caller.run('never', (target) => scripts.reschedule(target, part)),
  );
  return withAway(caller, jobs, results);
}

/** An entry in a long ready list is found in several short steps. */
export async function edit(caller: Caller, params: EditParams): Promise<EditResult> {
  let cleared: ClearedEntry[] = [];
  for (;;) {
    const known = cleared;
    const result = await caller.run('never', (target) => scripts.edit(target, params, known));
    if (!('unclear' in result)) return (await withAway(caller, [params], [result]))[0] ?? result;
    const { unclear } = result;
    const others = cleared.filter(({ topic }) => !topic.equals(unclear));
    cleared = [...others, ...(await clearList({ clear: clearing(caller) }, unclear, [params.id]))];
  }
}

async function readScores({ read }: Caller, jobs: readonly JobGuard[]): Promise<(string | undefined)[]> {
  const scores: (string | undefined)[] = [];
  for (const part of chunks(jobs, CHUNK_SCORES)) {
    const ids = part.map(({ id }) => id);
    scores.push(...(await read((target) => scripts.scoresOf(target, ids))));
  }
  return scores;
}

/** A run handles the first of its jobs, at least one. */
async function inParts<J, R>(jobs: readonly J[], run: (part: readonly J[]) => Promise<R[]>): Promise<R[]> {
  const results: R[] = [];
  for (let most = CHUNK.jobs; results.length < jobs.length;) {
    const part = jobs.slice(results.length, results.length + most);
    const done = await run(part);
    results.push(...done);
    most = nextPart(part.length, done.length);
  }
  return results;
}

/** Reports jobs that are leased, or wait for another one of their id, if nothing else is known of the id. */
export async function withAway<R extends { readonly state?: JobState | undefined }>(
  { read }: Caller,
  jobs: readonly JobGuard[],
  results: readonly R[],
): Promise<R[]> {
  const lost = jobs.filter((_, i) => results[i]?.state === undefined).map(({ id }) => id);
  if (lost.length === 0) return [...results];
  const away = new Map<string, JobState>();
  // Of several jobs of one id a leased one is reported.
  for (const { job } of await findAway(read, lost)) {
    const name = job.id.toString('latin1');
    if (away.get(name) !== 'leased') away.set(name, job.state);
  }
  return results.map((result, i) => {
    const state = result.state ?? away.get(jobs[i]?.id.toString('latin1') ?? '');
    return state === result.state ? result : { ...result, state };
  });
}
