import type { JobRecord } from '../../../core/job.js';
import { countReady } from '../scripts/count.js';
import { findById, type IdFacts } from '../scripts/find.js';
import { lostBody, wrongType } from '../scripts/list.js';
import type { Keys } from '../keys.js';
import { type EntrySearch, placesIn } from './entries.js';
import { type Read, WINDOW } from './read.js';

/** How many entries the script that finds a job searches itself. */
const FIND_ENTRIES = 1000;
/** How many entries before a job are checked one by one, to count those that can be taken. */
const COUNTED_AHEAD = 2500;

/** The functions that finding a job needs. */
export interface Finder {
  readonly read: Read;
  readonly keys: Keys;
  /** Searches the ready lists of other topics; absent when the answer is not worth that. */
  readonly search?: EntrySearch | undefined;
}

/** The job of an id that is neither leased, waiting nor dead. */
export async function findQueued(finder: Finder, id: Buffer): Promise<JobRecord | undefined> {
  const facts = await finder.read((target) => findById(target, id, FIND_ENTRIES));
  if (facts.pooledFor) return pooledJob(finder, id, facts);
  if (isWhole(facts)) return promotedJob(finder, id, facts);
  return entryWithoutBody(finder, id, facts);
}

const isOver = ({ expiresAt, now }: IdFacts): boolean => expiresAt !== undefined && expiresAt <= now;
const isWhole = (facts: IdFacts): boolean =>
  facts.topic !== undefined && facts.body !== undefined && !isOver(facts);

function baseOf(id: Buffer, facts: IdFacts): Omit<JobRecord, 'state'> {
  const { topic, body, dueAt, expiresAt, attempts, kept } = facts;
  const job = { id, topic, body, dueAt, expiresAt, attempts, ...kept };
  const pausedUntilMs = pauseOf(facts);
  return pausedUntilMs === undefined ? job : { ...job, pausedUntilMs };
}

const pauseOf = ({ pausedUntilMs, now }: IdFacts): number | undefined =>
  pausedUntilMs !== undefined && pausedUntilMs > now.getTime() ? pausedUntilMs : undefined;

function listInTheWay({ keys }: Finder, { topic, list }: IdFacts): Pick<JobRecord, 'blockedBy'> {
  if (!topic || list.type === 'list' || list.type === 'none') return {};
  return wrongType(keys.ready(topic), list.type, 'list');
}

/** A job whose id is in the pool. */
async function pooledJob(finder: Finder, id: Buffer, facts: IdFacts): Promise<JobRecord> {
  const job = baseOf(id, facts);
  if (!isWhole(facts)) {
    const lost = isOver(facts) ? {} : lostBody(finder.keys, id, facts.bucketType);
    const isGone = facts.bucketType === 'none';
    return { ...job, state: 'expired', ...(isGone ? { flaw: { type: 'body_gone' } } : lost) };
  }
  const state = facts.dueAt && facts.dueAt > facts.now ? 'delayed' : 'due';
  const listedIn = await oldEntry(finder, id, facts);
  const flaw = listedIn && ({ type: 'old_entry', listedIn } as const);
  return { ...job, state, ...listInTheWay(finder, facts), ...(flaw && { flaw }) };
}

/** The topic of a ready list with an entry of a job that is not ready, if that is seen without a search. */
async function oldEntry({ read, keys }: Finder, id: Buffer, facts: IdFacts): Promise<Buffer | undefined> {
  const { topic, noted, places } = facts;
  if (topic && places && places.length > 0) return topic;
  if (!noted) return undefined;
  return (await placesIn(read, keys.ready(noted.topic), id)).length > 0 ? noted.topic : undefined;
}

/** A job with a body that is not in the pool: it is in its ready list, or something is wrong. */
async function promotedJob(finder: Finder, id: Buffer, facts: IdFacts): Promise<JobRecord> {
  const { read, keys, search } = finder;
  const job = baseOf(id, facts);
  const inTheWay = listInTheWay(finder, facts);
  if (!facts.topic || inTheWay.blockedBy) return { ...job, state: 'ready', ...inTheWay };
  const places = facts.places ?? (await placesIn(read, keys.ready(facts.topic), id));
  if (places.length > 0) {
    const ahead = await countAhead(
      read,
      facts.topic,
      places.reduce((last, place) => Math.max(last, place), 0),
      facts.list.length,
    );
    const entries = places.length;
    const flaw = entries > 1 ? { flaw: { type: 'doubled_entry', entries } as const } : {};
    return { ...job, state: 'ready', ...ahead, ...flaw };
  }
  const listedIn = (await search?.find([id]))?.get(id.toString('latin1'));
  const flaw = listedIn ? ({ type: 'other_topic', listedIn } as const) : ({ type: 'no_entry' } as const);
  return { ...job, state: 'expired', flaw };
}

/** How many jobs are delivered before the one at that index from the left. */
async function countAhead(
  read: Read,
  topic: Buffer,
  place: number,
  length: number,
): Promise<Pick<JobRecord, 'readyAhead' | 'readyAheadAtMost'>> {
  const entries = Math.max(0, length - 1 - place);
  if (entries > COUNTED_AHEAD) return { readyAheadAtMost: entries };
  const ahead = new Set<string>();
  for (let first = place + 1; first < length; first += WINDOW) {
    const from = first;
    const part = { limit: Math.min(WINDOW, length - first), isPlain: false };
    const { alive } = await read((target) => countReady(target, topic, from, part));
    for (const name of alive) ahead.add(name);
  }
  return { readyAhead: ahead.size };
}

/** An id without a body: the job expired, or another client took or removed it, and its entry was left. */
async function entryWithoutBody(finder: Finder, id: Buffer, facts: IdFacts): Promise<JobRecord | undefined> {
  const { read, keys, search } = finder;
  const { topic, noted, list, asideTopic } = facts;
  const near = topic ?? noted?.topic;
  const isThere =
    near !== undefined &&
    list.type === 'list' &&
    (facts.places ?? (await placesIn(read, keys.ready(near), id))).length > 0;
  const listed = isThere || asideTopic ? near : (await search?.find([id]))?.get(id.toString('latin1'));
  const isNoted = listed !== undefined && noted?.topic.equals(listed) === true;
  const { dueAt, expiresAt } = isNoted ? noted : { dueAt: undefined, expiresAt: facts.expiresAt };
  const lost = isOver(facts) ? {} : lostBody(finder.keys, id, facts.bucketType);
  if (!listed && !asideTopic && lost.flaw === undefined) return undefined;
  return {
    ...baseOf(id, facts),
    topic: topic ?? listed ?? asideTopic,
    dueAt,
    expiresAt,
    state: 'expired',
    ...lost,
  };
}
