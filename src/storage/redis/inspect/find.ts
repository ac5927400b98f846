import type { JobRecord } from '../../../core/job.js';
import { type AwayJob, findLiving, listDead, listLeased } from '../scripts/list.js';
import type { Read } from './read.js';

/** Entries of a ready list that are looked through for a job's place. */
const FIND_DEPTH = 100_000;

/** Every job of an id: the one that lives, then leased and waiting ones, then dead letters, the latest first. */
export async function find(read: Read, id: Buffer): Promise<JobRecord[]> {
  const living = await read((target) => findLiving(target, id, FIND_DEPTH));
  const away = (await findAway(read, [id])).map(({ job }) => job);
  const dead = await read((target) => listDead(target, 0, 1, { id }));
  const leased = away.filter(({ state }) => state === 'leased');
  const waiting = away.filter(({ state }) => state !== 'leased');
  return [...(living ? [living] : []), ...leased, ...waiting, ...dead.jobs];
}

/** The jobs of these ids that are leased, or wait for another job of their id. */
export async function findAway(read: Read, ids: readonly Buffer[]): Promise<AwayJob[]> {
  const wanted = new Set(ids.map((id) => id.toString('latin1')));
  const only = ids.length === 1 && ids[0] ? { id: ids[0] } : {};
  const found: AwayJob[] = [];
  for (let first = 0; ;) {
    const from = first;
    const { lookedAt, jobs } = await read((target) => listLeased(target, from, only));
    found.push(...jobs.filter(({ job }) => wanted.has(job.id.toString('latin1'))));
    if (lookedAt === 0) return found;
    first += lookedAt;
  }
}
