import { isWrongTypeError } from '../errors.js';
import { JOB_STATES, type JobRecord, type JobState } from '../../../core/job.js';
import { selectionMatcher, type TopicSelection } from '../../../core/selection.js';
import type { JobPage, Problem } from '../../../core/views.js';
import type { ListParams } from '../../../core/store.js';
import { isCount, readCursor, writeCursor } from '../../cursor.js';
import { listDead, listLeased, listPool, type SetPlace } from '../scripts/list.js';
import { asideJobs } from './aside.js';
import { ReadyLister } from './list-ready.js';
import { type Read, WINDOW } from './read.js';

/** Where a list continues: in which topic of the selection, and where in it. Opaque to users. */
type Place = { readonly topic: number } & TopicPlace;

type TopicPlace =
  | { readonly phase: 'ready' | 'aside'; readonly skip: number }
  /**
   * After a member of a sorted set, whose id is in base64url; of the records after it `within` jobs are skipped.
   */
  | {
      readonly phase: 'leased' | 'pool' | 'dead';
      readonly score: string;
      readonly id: string;
      /** See SetPlace. */
      readonly older?: number | undefined;
      readonly within: number;
    };

type SetPhase = Extract<TopicPlace, { score: string }>;

interface Step {
  readonly jobs: readonly JobRecord[];
  /** What kept it from looking. */
  readonly problem?: Problem | undefined;
  /** Where the topic continues; absent at its end. */
  readonly next?: TopicPlace | undefined;
}

/**
 * The states that each phase may find. A job that waits for another one of its id is delayed, and is stored with the
 * leased ones.
 */
const FINDS: Readonly<Record<TopicPlace['phase'], readonly JobState[]>> = {
  ready: ['ready', 'expired'],
  aside: ['expired'],
  leased: ['leased', 'delayed'],
  pool: ['due', 'delayed', 'expired'],
  dead: ['dead'],
};

const START: TopicPlace = { phase: 'ready', skip: 0 };
const ASIDE_START: TopicPlace = { phase: 'aside', skip: 0 };
const LEASED_START: TopicPlace = { phase: 'leased', score: '', id: '', within: 0 };
const POOL_START: TopicPlace = { phase: 'pool', score: '', id: '', within: 0 };
const DEAD_START: TopicPlace = { phase: 'dead', score: '', id: '', within: 0 };

/** One call of `list`. */
interface Listing {
  readonly read: Read;
  readonly selection: TopicSelection;
  readonly matches: (job: JobRecord) => boolean;
  /** By topic. */
  readonly ready: readonly ReadyLister[];
}

export async function list(read: Read, { selection, limit, cursor }: ListParams): Promise<JobPage> {
  const ready = selection.topics.map((topic) => new ReadyLister(read, topic));
  const listing: Listing = { read, selection, matches: selectionMatcher(selection), ready };
  const [jobs, problems]: [JobRecord[], Problem[]] = [[], []];
  let place: Place | undefined =
    cursor === undefined ? { topic: 0, ...START } : readCursor(cursor, (value) => toPlace(value, selection));
  while (place && jobs.length < limit) {
    const step = await stepFrom(listing, place, limit - jobs.length);
    jobs.push(...step.jobs);
    if (step.problem) problems.push(step.problem);
    place = step.place;
  }
  const isMore = place !== undefined && (await hasMore(listing, place));
  return {
    jobs,
    cursor: isMore && place ? writeCursor(place) : undefined,
    ...(problems.length > 0 && { problems }),
  };
}

/** Is there a job from here on? If not, the page is the last. */
async function hasMore(listing: Listing, from: Place): Promise<boolean> {
  for (let place: Place | undefined = from; place;) {
    const step: Awaited<ReturnType<typeof stepFrom>> = await stepFrom(listing, place, 1);
    if (step.jobs.length > 0) return true;
    place = step.place;
  }
  return false;
}

/** One step of a list: up to `most` selected jobs, and where the next step begins; undefined at the end. */
async function stepFrom(
  listing: Listing,
  place: Place,
  most: number,
): Promise<{ jobs: JobRecord[]; place: Place | undefined; problem?: Problem | undefined }> {
  const { selection } = listing;
  const topic = selection.topics[place.topic];
  if (!topic) return { jobs: [], place: undefined };
  const states = new Set(selection.states ?? JOB_STATES);
  const isWanted = FINDS[place.phase].some((state) => states.has(state));
  const step: Step = isWanted
    ? await look(listing, topic, place, most).catch((error: unknown) => passOver(error, place))
    : { jobs: [], next: nextPhase(place.phase) };
  const next = pastDue(step, states) ? DEAD_START : step.next;
  const after = next ? { topic: place.topic, ...next } : { topic: place.topic + 1, ...START };
  return {
    jobs: step.jobs.filter(listing.matches),
    problem: step.problem,
    place: after.topic < selection.topics.length ? after : undefined,
  };
}

/** A key with a wrong type does not keep others from being looked at. */
function passOver(error: unknown, { phase }: Place): Step {
  if (!isWrongTypeError(error)) throw error;
  const problem = { code: 'wrong_type', message: error.message, hint: error.hint } as const;
  return { jobs: [], problem, next: nextPhase(phase) };
}

/** The pool is in order of due time, so after the first delayed job there is no due one. */
function pastDue({ jobs, next }: Step, states: ReadonlySet<JobState>): boolean {
  return next?.phase === 'pool' && !states.has('delayed') && jobs.some(({ state }) => state === 'delayed');
}

function nextPhase(phase: TopicPlace['phase']): TopicPlace | undefined {
  if (phase === 'ready') return ASIDE_START;
  if (phase === 'aside') return LEASED_START;
  if (phase === 'leased') return POOL_START;
  return phase === 'pool' ? DEAD_START : undefined;
}

async function look({ read, ready }: Listing, topic: Buffer, place: Place, most: number): Promise<Step> {
  switch (place.phase) {
    case 'ready': {
      const limit = Math.min(most, WINDOW);
      const part = await ready[place.topic]?.list(place.skip, limit);
      if (!part || part.atEnd) return { jobs: part?.jobs ?? [], next: nextPhase('ready') };
      return { jobs: part.jobs, next: { phase: 'ready', skip: place.skip + part.lookedAt } };
    }
    case 'aside': {
      // Few jobs are set aside, so all are read for each page.
      const jobs: JobRecord[] = [];
      for await (const job of asideJobs(read)) if (job.topic?.equals(topic) === true) jobs.push(job);
      const page = jobs.slice(place.skip, place.skip + most);
      const skip = place.skip + page.length;
      return { jobs: page, next: skip < jobs.length ? { phase: 'aside', skip } : nextPhase('aside') };
    }
    case 'leased': {
      const { last, jobs } = await read((target) => listLeased(target, topic, toSetPlace(place)));
      return cut({ last, jobs: jobs.map(({ job }) => job) }, place, most);
    }
    case 'pool': {
      const after = toSetPlace(place);
      const part = await read((target) => listPool(target, { topic, after, limit: WINDOW, most }));
      return cut(part, place, most);
    }
    case 'dead': {
      const part = await read((target) => listDead(target, { topic }, toSetPlace(place), WINDOW));
      return cut(part, place, most);
    }
  }
}

const toSetPlace = ({ score, id, older }: SetPhase): SetPlace => ({
  ...{ score, id: Buffer.from(id, 'base64url'), older },
});

/**
 * A part of the records that a sorted set names. Each may hold several jobs, so a page may end within one.
 */
function cut(
  { last, jobs }: { last: SetPlace; jobs: readonly JobRecord[] },
  place: Place & SetPhase,
  most: number,
): Step {
  const rest = jobs.slice(place.within);
  if (rest.length > most)
    return { jobs: rest.slice(0, most), next: { ...place, within: place.within + most } };
  const { score, older } = last;
  const next = { ...place, score, id: last.id.toString('base64url'), older, within: 0 };
  return { jobs: rest, next: last.score === '' ? nextPhase(place.phase) : next };
}

function toPlace(value: Partial<Record<string, unknown>>, { topics }: TopicSelection): Place | undefined {
  const { topic, phase, skip, within, score, id, older = 0 } = value;
  if (!isCount(topic) || topic >= topics.length) return undefined;
  if ((phase === 'ready' || phase === 'aside') && isCount(skip)) return { topic, phase, skip };
  const isSet = phase === 'leased' || phase === 'pool' || phase === 'dead';
  if (!isSet || typeof score !== 'string' || typeof id !== 'string') return undefined;
  if (!isCount(within) || !isCount(older)) return undefined;
  return /^(\d+(\.\d+)?|inf)?$/.test(score) ? { topic, phase, score, id, older, within } : undefined;
}
