import type { Problem, Stats } from '../../../core/views.js';
import type { StatsParams } from '../../../core/store.js';
import { TopicCounter } from '../../../core/topic-counter.js';
import type { Keys } from '../keys.js';
import { countLeased, type Flawed } from '../scripts/count.js';
import { asideJobs } from './aside.js';
import { deadParts, poolParts, readyParts } from './count-parts.js';
import type { ReadyList } from './entries.js';
import { headsOf } from './heads.js';
import { allLists, knownLists, listsMadeMeanwhile, otherLists } from './known-lists.js';
import { readPauses } from './pauses.js';
import { jobProblems, wrongTypeProblem } from './problems.js';
import { lookAtReservations } from './quick.js';
import type { Read } from './read.js';
import { JOBS_OF_LEASE, jobsIn, type Sizes } from './sizes.js';

/**
 * Looks at every job.
 * @param params.isPlain of many jobs a body that lacks its field alone is not looked for
 */
export async function exactStats(
  read: Read,
  keys: Keys,
  sizes: Sizes,
  { beyondMs, onProgress, isPlain }: Omit<StatsParams, 'exact'> & { readonly isPlain: boolean },
): Promise<Omit<Stats, 'daemons' | 'usedPercent'>> {
  const counter = new TopicCounter(beyondMs !== undefined);
  const progress = { counted: 0, total: jobsIn(sizes) };
  const counting: Counting = {
    ...{ read, keys, counter, beyondMs, sizes, isPlain },
    counted: (jobs) => {
      progress.counted += jobs;
      onProgress?.(progress.counted, Math.max(progress.counted, progress.total));
    },
  };
  const types = await typesOf(read, [keys.pool, keys.reserved, keys.dead, keys.readyDue]);
  const isUsable = (key: string, type: string) => ['none', type].includes(types.get(key) ?? 'none');
  const known = isPlain ? await knownLists(read, keys) : undefined;
  // The search for the names of the lists keeps Redis busy while a part of the pool is on its way, and the reverse.
  const [pool, lists] = await Promise.all([
    isUsable(keys.pool, 'zset') ? countPoolJobs(counting) : { bodiless: [], expired: 0 },
    known ?? allLists(read, keys),
  ]);
  lists.push(...(await listsMadeMeanwhile(read, keys, sizes, lists)));
  const leases = isUsable(keys.reserved, 'zset') ? await countLeasedJobs(counting) : [];
  const holders = isUsable(keys.reserved, 'zset') ? (await lookAtReservations(read, sizes)).holders : [];
  const letters = isUsable(keys.dead, 'zset') ? await countDeadJobs(counting) : [];
  const ready = await countReadyJobs(counting, lists);
  const entriesWithoutKey =
    [pool.bodiless, leases, letters, ready.flawed].reduce((sum, some) => sum + some.length, 0) +
    (pool.expired + ready.expired + ready.doubled);
  // An entry without a key of its own may have stood for a list that nobody has seen.
  if (known && (entriesWithoutKey > 0 || !(await knownLists(read, keys))))
    await countReadyJobs(counting, await otherLists(read, keys, lists), ready);
  const { flawed, doubled, topics, problems: wrongTypes } = ready;
  flawed.push(...(await countAsideJobs(read, counter)));
  if (isUsable(keys.readyDue, 'hash')) await addOldest(read, topics, counter);
  for (const { topic, untilMs } of await readPauses(read, keys)) counter.of(topic).pausedUntilMs = untilMs;
  const found = jobProblems({
    bodiless: pool.bodiless,
    flawed,
    doubled,
    goneRecords: [...leases, ...letters],
  });
  const { totals, ...sums } = counter.sums();
  return {
    ...sums,
    totals: { ...totals, expired: totals.expired + pool.expired },
    ...pick(sizes),
    consumers: holders,
    problems: [...wrongTypes, ...found],
  };
}

const pick = ({ overdueSince, endedLeases }: Sizes) => ({ overdueSince, endedLeases });

/** What counting needs. */
interface Counting {
  readonly read: Read;
  readonly keys: Keys;
  readonly sizes: Sizes;
  readonly counter: TopicCounter;
  readonly isPlain: boolean;
  readonly beyondMs: number | undefined;
  readonly counted: (jobs: number) => void;
}

/** Since when the oldest ready jobs of the topics wait. */
async function addOldest(read: Read, topics: readonly Buffer[], counter: TopicCounter): Promise<void> {
  for (const { topic, oldestReadyAt, isAtLeast } of await headsOf(read, topics)) {
    const counts = counter.of(topic);
    if (oldestReadyAt === undefined || counts.ready === 0) continue;
    counts.oldestReadyAt = oldestReadyAt;
    if (isAtLeast) counts.isOldestAtLeast = true;
  }
}

async function typesOf(read: Read, keys: readonly string[]): Promise<Map<string, string>> {
  return read(async ({ redis }) => {
    const types = await Promise.all(keys.map((key) => redis.type(key)));
    return new Map(keys.map((key, i) => [key, types[i] ?? 'none']));
  });
}

/** @returns the jobs of the pool that belong to no topic: those that lost their bodies, and how many have expired with them */
async function countPoolJobs({ read, counter, isPlain, beyondMs, counted }: Counting): Promise<{
  bodiless: Flawed[];
  expired: number;
}> {
  const bodiless: Flawed[] = [];
  let expired = 0;
  for await (const part of poolParts(read, isPlain, beyondMs)) {
    counted(part.lookedAt);
    for (const job of part.bodiless) {
      if (job.what === 'expired') expired += 1;
      else bodiless.push(job);
    }
    for (const { topic, delayed, due, expired, firstDueAt, beyond } of part.topics) {
      const counts = counter.of(topic);
      counts.delayed += delayed;
      counts.due += due;
      counts.expired += expired;
      counts.nextDueAt ??= firstDueAt;
      if (beyondMs !== undefined) counts.beyond = (counts.beyond ?? 0) + beyond;
    }
  }
  return { bodiless, expired };
}

/** @returns the keys of records that are gone or of a wrong type */
async function countLeasedJobs({ read, counter, counted }: Counting): Promise<string[]> {
  const gone: string[] = [];
  for (let first = 0; ;) {
    const from = first;
    const part = await read((target) => countLeased(target, from));
    for (const { topic, leased, waiting } of part.topics) {
      const counts = counter.of(topic);
      counts.leased += leased;
      counts.delayed += waiting;
    }
    gone.push(...part.gone);
    if (part.lookedAt === 0) return gone;
    first += part.lookedAt;
    counted(part.lookedAt * JOBS_OF_LEASE);
  }
}

/** @returns the keys of dead letters that are gone or of a wrong type */
async function countDeadJobs({ read, keys, counter, counted }: Counting): Promise<string[]> {
  const gone = new Set<string>();
  for await (const part of deadParts(read)) {
    for (const topic of part.topics) counter.of(topic).dead += 1;
    for (const id of part.gone) gone.add(`${keys.deadLetterStem}${id.toString()}`);
    counted(part.lookedAt);
  }
  return [...gone];
}

/** What was found in ready lists beside the jobs that are ready. */
class ReadyFindings {
  readonly flawed: Flawed[] = [];
  doubled = 0;
  expired = 0;
  readonly topics: Buffer[] = [];
  readonly problems: Problem[] = [];
}

/** A job that is in its list twice is counted once. @returns what is wrong with the entries, added to `findings` */
async function countReadyJobs(
  { read, sizes, counter, isPlain, counted }: Counting,
  lists: readonly ReadyList[],
  findings = new ReadyFindings(),
): Promise<ReadyFindings> {
  const { flawed, topics, problems } = findings;
  const lengths = new Map(sizes.heads.map((head) => [head.topic.toString('latin1'), head.entries]));
  for (const { topic, key, type } of lists) {
    if (type !== 'list') {
      problems.push(wrongTypeProblem(key.toString(), type, 'list'));
      continue;
    }
    topics.push(topic);
    const counts = counter.of(topic);
    const entries = lengths.get(topic.toString('latin1'));
    const [ready, expired, twice] = [new Set<string>(), new Set<string>(), new Set<string>()];
    for await (const part of readyParts(read, topic, { isPlain, entries })) {
      for (const name of part.alive) {
        if (ready.has(name)) twice.add(name);
        ready.add(name);
      }
      for (const name of part.expired) expired.add(name);
      flawed.push(...part.flawed);
      counted(part.lookedAt);
    }
    counts.ready += ready.size;
    counts.expired += expired.size;
    findings.expired += expired.size;
    findings.doubled += twice.size;
  }
  return findings;
}

/** @returns the jobs whose body has a key of the wrong type in its place */
async function countAsideJobs(read: Read, counter: TopicCounter): Promise<Flawed[]> {
  const flawed: Flawed[] = [];
  for await (const { id, topic, blockedBy } of asideJobs(read)) {
    counter.of(Buffer.from(topic ?? '')).expired += 1;
    const what = blockedBy?.type === 'wrong_type' ? blockedBy.found : 'none';
    flawed.push({ id: Buffer.from(id), what });
  }
  return flawed;
}
