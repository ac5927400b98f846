import { JOB_STATES, type JobState } from '../../../core/job.js';
import type { Estimate, Stats, TopicStats } from '../../../core/views.js';
import { estimate, estimateSum, unseenBelow } from '../../../core/estimate.js';
import type { Keys } from '../keys.js';
import { countPool } from '../scripts/count.js';
import { SET_START } from '../scripts/list.js';
import { type ListHead, lookAtLeases, sampleDead, samplePool } from '../scripts/look.js';
import { deadParts, poolParts } from './count-parts.js';
import { headsOf } from './heads.js';
import { readPauses } from './pauses.js';
import { type Read, WINDOW } from './read.js';
import type { Sizes } from './sizes.js';

/**
 * How many jobs of the pool, ids of dead letters and leases a sample looks at; if there are fewer, all are.
 */
const POOL_SAMPLE = 10_000;
const DEAD_SAMPLE = 1000;
const LEASE_SAMPLE = 5000;
/** Ids of dead letters that one call looks at. */
const LETTERS_AT_ONCE = 50;

/** The counts of a topic in one state, by its name as latin1. */
type Counts = Map<string, Partial<Record<JobState, number>>>;

/** A population of jobs, and what is known of it. */
interface Part {
  readonly counts: Counts;
  readonly states: readonly JobState[];
  /** How many jobs were looked at, out of how many; equal when all were. */
  readonly sampled: number;
  readonly total: number;
  /** The records that were drawn at random, if jobs come in records of several. */
  readonly drawn?: number;
  readonly totals: Partial<Record<JobState, number>>;
  readonly totalErrors?: Partial<Record<JobState, number>>;
}

/**
 * What can be said of many jobs at once: how many there are of each state, and of each topic by the length of its
 * ready list and a sample of the rest. Expired jobs are not distinguished from ready ones.
 */
export async function quickStats(read: Read, keys: Keys, sizes: Sizes): Promise<Omit<Stats, 'daemons'>> {
  const [pool, leases, dead, firsts, pauses] = await Promise.all([
    lookAtPool(read, sizes),
    lookAtReservations(read, sizes),
    lookAtDead(read, sizes),
    firstDueTimes(read, sizes),
    readPauses(read, keys),
  ]);
  const parts = [pool, leases.part, dead];
  const names = new Set(parts.flatMap(({ counts }) => [...counts.keys()]));
  for (const { topic } of [...sizes.heads, ...pauses]) names.add(topic.toString('latin1'));
  const known = new Map(sizes.heads.map((head) => [head.topic.toString('latin1'), head]));
  const unknown = [...names].filter((name) => !known.has(name)).map((name) => Buffer.from(name, 'latin1'));
  for (const head of await headsOf(read, unknown)) known.set(head.topic.toString('latin1'), head);
  const paused = new Map(pauses.map(({ topic, untilMs }) => [topic.toString('latin1'), untilMs]));
  const topics = [...names].map((name) => ({
    ...topicStats(name, parts, known.get(name)),
    nextDueAt: firsts.get(name),
    pausedUntilMs: paused.get(name),
  }));
  const ready = topics.reduce((sum, row) => sum + row.ready, 0);
  const delayed = sizes.pool - sizes.due + leases.waiting;
  return {
    totals: { ...pool.totals, ...leases.part.totals, ...dead.totals, ready, delayed },
    topics: topics.filter(isAnything).sort((a, b) => a.topic.compare(b.topic)),
    problems: sizes.problems,
    estimate: estimateOf(parts),
    beyond: sizes.beyond,
    overdueSince: sizes.overdueSince,
    endedLeases: sizes.endedLeases,
    consumers: leases.holders,
  };
}

const isAnything = ({ errors, nextDueAt, pausedUntilMs, ...row }: TopicStats): boolean =>
  [errors, nextDueAt, pausedUntilMs].some((known) => known !== undefined) ||
  JOB_STATES.some((state) => (row[state] ?? 0) > 0);

function topicStats(name: string, parts: readonly Part[], head: ListHead | undefined) {
  const counts = { delayed: 0, due: 0, ready: head?.entries ?? 0, leased: 0, dead: 0 };
  const errors: Partial<Record<JobState, number>> = {};
  for (const { counts: found, states, sampled, total, drawn = sampled } of parts) {
    for (const state of states as readonly (keyof typeof counts)[]) {
      const here = found.get(name)?.[state] ?? 0;
      if (sampled === total) counts[state] += here;
      else if (total > 0) {
        // The jobs of a record count as one draw, because they are mostly of one topic.
        const { count, error } = estimate((here / sampled) * drawn, drawn, total);
        counts[state] += count;
        if (here > 0) errors[state] = error;
      }
    }
  }
  return {
    topic: Buffer.from(name, 'latin1'),
    ...counts,
    oldestReadyAt: head?.oldestReadyAt,
    ...(head?.isAtLeast === true && head.oldestReadyAt !== undefined && { isOldestAtLeast: true }),
    ...(Object.keys(errors).length > 0 && { errors }),
  };
}

function estimateOf(parts: readonly Part[]): Estimate | undefined {
  const estimated = parts.filter(({ sampled, total }) => sampled < total);
  if (estimated.length === 0) return undefined;
  return {
    sampled: estimated.reduce((sum, { sampled }) => sum + sampled, 0),
    missingBelow: Math.max(
      ...estimated.map(({ sampled, total, drawn = sampled }) => unseenBelow(drawn, total)),
    ),
    errors: Object.assign({}, ...estimated.map(({ totalErrors }) => totalErrors ?? {})) as Estimate['errors'],
  };
}

function add(counts: Counts, topic: Buffer, more: Partial<Record<JobState, number>>): void {
  const name = topic.toString('latin1');
  const had = counts.get(name) ?? {};
  for (const [state, count] of Object.entries(more) as [JobState, number][])
    had[state] = (had[state] ?? 0) + count;
  counts.set(name, had);
}

/** The jobs that are delayed or due. */
async function lookAtPool(read: Read, { pool, due }: Sizes): Promise<Part> {
  const part = { counts: new Map() as Counts, states: ['delayed', 'due'] as const, total: pool };
  const totals = { due };
  if (pool <= POOL_SAMPLE) {
    if (pool > 0)
      for await (const { topics } of poolParts(read, true)) {
        for (const { topic, delayed, due: dueHere } of topics)
          add(part.counts, topic, { delayed, due: dueHere });
      }
    return { ...part, totals, sampled: pool };
  }
  let sampled = 0;
  while (sampled < POOL_SAMPLE) {
    const found = await read((target) => samplePool(target, WINDOW));
    if (found.sampled === 0) break;
    sampled += found.sampled;
    for (const { topic, delayed, due: dueHere } of found.topics)
      add(part.counts, topic, { delayed, due: dueHere });
  }
  return { ...part, totals, sampled };
}

interface Reservations {
  readonly part: Part;
  /** Jobs that wait for another one of their id; they count as delayed. */
  readonly waiting: number;
  readonly holders: readonly string[];
}

export async function lookAtReservations(
  read: Read,
  { reserved }: Pick<Sizes, 'reserved'>,
): Promise<Reservations> {
  const counts: Counts = new Map();
  const holders = new Set<string>();
  const ofRecords: number[] = [];
  const waitingOfRecords: number[] = [];
  const isAll = reserved <= LEASE_SAMPLE;
  let lookedAt = 0;
  while (lookedAt < Math.min(reserved, LEASE_SAMPLE)) {
    const first = isAll ? lookedAt : undefined;
    const found = await read((target) => lookAtLeases(target, WINDOW, first));
    if (found.lookedAt === 0) break;
    lookedAt += found.lookedAt;
    for (const { topic, leased, waiting: here, holder } of found.topics) {
      ofRecords.push(leased);
      waitingOfRecords.push(here);
      add(counts, topic, { leased, delayed: isAll ? here : 0 });
      if (holder !== '') holders.add(holder);
    }
  }
  const [leased, seenWaiting] = [sumOf(ofRecords), sumOf(waitingOfRecords)];
  const waiting = isAll ? { count: seenWaiting, error: 0 } : estimateSum(waitingOfRecords, reserved);
  const states = isAll ? (['leased', 'delayed'] as const) : (['leased'] as const);
  const named = { waiting: waiting.count, holders: [...holders].sort() };
  if (isAll)
    return { ...named, part: { counts, states, sampled: leased, total: leased, totals: { leased } } };
  const { count, error } = estimateSum(ofRecords, reserved);
  const part = { counts, states, sampled: leased, total: count, totals: { leased: count } };
  const totalErrors = { leased: error, ...(waiting.error > 0 && { delayed: waiting.error }) };
  return { ...named, part: { ...part, drawn: ofRecords.length, totalErrors } };
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

async function lookAtDead(read: Read, { dead }: Sizes): Promise<Part> {
  const part = { counts: new Map() as Counts, states: ['dead'] as const };
  if (dead <= DEAD_SAMPLE) {
    let found = 0;
    for await (const { topics } of deadParts(read)) {
      for (const topic of topics) add(part.counts, topic, { dead: 1 });
      found += topics.length;
    }
    return { ...part, sampled: found, total: found, totals: { dead: found } };
  }
  const letters: number[] = [];
  for (let lookedAt = 0; lookedAt < DEAD_SAMPLE;) {
    const some = await read((target) => sampleDead(target, LETTERS_AT_ONCE));
    if (some.sampled === 0) break;
    lookedAt += some.sampled;
    for (const { topic, dead: here } of some.topics) {
      letters.push(here);
      add(part.counts, topic, { dead: here });
    }
  }
  const sampled = sumOf(letters);
  const { count, error } = estimateSum(letters, dead);
  return { ...part, sampled, total: count, totals: { dead: count }, totalErrors: { dead: error } };
}

/** From the jobs that are due next; for other topics it is not known. */
async function firstDueTimes(read: Read, { pool }: Sizes): Promise<Map<string, Date>> {
  const firsts = new Map<string, Date>();
  if (pool === 0) return firsts;
  const { topics } = await read((target) => countPool(target, SET_START, { limit: WINDOW, isPlain: true }));
  for (const { topic, firstDueAt } of topics)
    if (firstDueAt) firsts.set(topic.toString('latin1'), firstDueAt);
  return firsts;
}
