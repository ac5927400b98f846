import type { JobRecord } from '../../../core/job.js';
import { type AwayJob, findLeased, listDead, SET_START, type SetPlace } from '../scripts/list.js';
import { readDaemons } from './daemons.js';
import { type Finder, findQueued } from './find-queued.js';
import type { Read } from './read.js';

/**
 * Every job of an id: the one in the queue, then leased and waiting ones, then dead letters, the latest first.
 */
export async function find(finder: Finder, id: Buffer): Promise<JobRecord[]> {
  const { read } = finder;
  const first = await findQueued(finder, id);
  const away = (await findAway(read, [id])).map(({ job }) => job);
  const dead = await findDead(read, id);
  // A job that came back after the first look is in the queue by now. Ready lists of other topics were searched.
  const living =
    first ?? (away.length === 0 ? await findQueued({ ...finder, search: undefined }, id) : undefined);
  const leased = away.filter(({ state }) => state === 'leased');
  const waiting = await Promise.all(
    away.filter(({ state }) => state !== 'leased').map((job) => withBlocker(finder, job)),
  );
  const jobs = [...(living ? [living] : []), ...leased, ...waiting, ...dead];
  return withDaemon(finder, jobs);
}

async function findDead(read: Read, id: Buffer): Promise<JobRecord[]> {
  const found: JobRecord[] = [];
  for (let place: SetPlace | undefined = SET_START; place;) {
    const after: SetPlace = place;
    const { last, jobs } = await read((target) => listDead(target, { id }, after));
    found.push(...jobs);
    place = last.older === 0 ? undefined : last;
  }
  return found;
}

/**
 * The jobs of these ids that are leased, or wait for another job of their id. A lease that is extended during the
 * search may be met again; then it is as it was met last.
 */
export async function findAway(read: Read, ids: readonly Buffer[]): Promise<AwayJob[]> {
  const found = new Map<string, AwayJob>();
  let last = SET_START;
  do {
    const after = last;
    const part = await read((target) => findLeased(target, ids, after));
    for (const job of part.jobs) found.set(job.job.isWaiting ? `${found.size}` : nameOf(job), job);
    ({ last } = part);
  } while (last.score !== '');
  return [...found.values()];
}

/** The same for a lease in the record of its reservation and in one of its own (lua/lib/record.lua). */
const nameOf = ({ record, number }: AwayJob): string => `${record.split('.')[0] ?? ''}.${number}`;

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
