import type { Stats } from '../../../core/views.js';
import type { StatsParams } from '../../../core/store.js';
import type { Keys } from '../keys.js';
import { readDaemons } from './daemons.js';
import { exactStats } from './exact.js';
import { quickStats } from './quick.js';
import type { Read } from './read.js';
import { jobsIn, sizesOf } from './sizes.js';

/** Up to so many jobs are always counted one by one, which takes some hundredths of a second. */
const COUNTED_JOBS = 10_000;

/** Counts jobs in bounded steps. A key with a wrong type counts as empty; `health` names it. */
export async function stats(read: Read, keys: Keys, params: StatsParams): Promise<Stats> {
  const [sizes, daemons, usedPercent] = await Promise.all([
    sizesOf(read, keys, params.beyondMs),
    readDaemons(read, keys),
    readUsedPercent(read),
  ]);
  const isExact = params.exact || jobsIn(sizes) <= COUNTED_JOBS;
  const found = isExact
    ? await exactStats(read, keys, sizes, { ...params, isPlain: jobsIn(sizes) > COUNTED_JOBS })
    : await quickStats(read, keys, sizes);
  return { ...found, daemons: daemons.seen, usedPercent };
}

/**
 * The used percentage of the memory that Redis may use; undefined without a limit, or when the user may not read it.
 */
async function readUsedPercent(read: Read): Promise<number | undefined> {
  const info = await read(({ redis }) => redis.info('memory').catch(() => ''));
  const [, used] = /^used_memory:(\d+)/m.exec(info) ?? [];
  const [, most] = /^maxmemory:([1-9]\d*)/m.exec(info) ?? [];
  return used === undefined || most === undefined
    ? undefined
    : Math.floor((100 * Number(used)) / Number(most));
}
