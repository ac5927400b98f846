import type { JobRecord } from '../../../core/job.js';
import { type AwayJob, findLeased, listDead } from '../scripts/list.js';
import { readDaemons } from './daemons.js';
import { type Finder, findQueued } from './find-queued.js';
import type { Read } from './read.js';

/**
 * Every job of an id: the one in the queue, then leased and waiting ones, then dead letters, the latest first.
 */
export async function find(finder: Finder, id: Buffer): Promise<JobRecord[]> {
  const { read } = finder;
  const living = await findQueued(finder, id);
  const away = (await findAway(read, [id])).map(({ job }) => job);
  const dead = await read((target) => listDead(target, { id }));
  const leased = away.filter(({ state }) => state === 'leased');
  const waiting = await Promise.all(
    away.filter(({ state }) => state !== 'leased').map((job) => withBlocker(finder, job)),
  );
  const jobs = [...(living ? [living] : []), ...leased, ...waiting, ...dead.jobs];
  return withDaemon(finder, jobs);
}

/** The jobs of these ids that are leased, or wait for another job of their id. */
export async function findAway(read: Read, ids: readonly Buffer[]): Promise<AwayJob[]> {
  const found: AwayJob[] = [];
  for (let first = 0; ;) {
    const from = first;
    const { lookedAt, jobs } = await read((target) => findLeased(target, from, ids));
    found.push(...jobs);
    if (lookedAt === 0) return found;
    first += lookedAt;
  }
}

/**
 * For a waiting job: whether the job of its id is still in the queue, or something else is in its way by now.
 */
async function withBlocker({ read, keys }: Finder, job: JobRecord): Promise<JobRecord> {
  const bucket = Buffer.concat([Buffer.from(keys.bucketStem), job.id]);
  const ready = keys.ready(job.topic ?? Buffer.alloc(0));
  const [inBucket, inList] = await read(({ redis }) => Promise.all([redis.type(bucket), redis.type(ready)]));
  const wrongType = (key: Buffer, found: string, wanted: string) =>
    ({ type: 'wrong_type', key: key.toString(), found, wanted }) as const;
  if (inBucket !== 'hash' && inBucket !== 'none')
    return { ...job, blockedBy: wrongType(bucket, inBucket, 'hash') };
  if (inBucket === 'none' && inList !== 'list' && inList !== 'none')
    return { ...job, blockedBy: wrongType(ready, inList, 'list') };
  return job;
}

/** For jobs that a daemon should move by now: was a daemon seen lately? */
async function withDaemon({ read, keys }: Finder, jobs: readonly JobRecord[]): Promise<JobRecord[]> {
  const mayBe = ({ state, isWaiting }: JobRecord) =>
    state === 'due' || state === 'leased' || isWaiting === true;
  if (!jobs.some(mayBe)) return [...jobs];
  const { nowMs, seen } = await readDaemons(read, keys);
  const isDaemonSeen = seen.length > 0;
  const isHeld = ({ leaseUntil }: JobRecord) => leaseUntil !== undefined && leaseUntil.getTime() > nowMs;
  return jobs.map((job) => (mayBe(job) && !isHeld(job) ? { ...job, isDaemonSeen } : job));
}
