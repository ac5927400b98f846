import { DelayerError } from '../../../core/errors.js';
import { JOB_STATES, type JobRecord, type JobState } from '../../../core/job.js';
import { type Selection, selectionMatcher } from '../../../core/selection.js';
import type { JobPage, Problem } from '../../../core/results.js';
import type { ListParams } from '../../../core/store.js';
import { isCount, readCursor, writeCursor } from '../../cursor.js';
import { listDead, listLeased, listPool } from '../scripts/list.js';
import { asideJobs } from './aside.js';
import { ReadyLister } from './list-ready.js';
import { type Read, WINDOW } from './read.js';

/** Where a listing goes on: in which topic of the selection, and where there. Opaque to users. */
type Place = { readonly topic: number } & TopicPlace;

type TopicPlace =
  | { readonly phase: 'ready' | 'aside'; readonly skip: number }
  /** `skip` records, and `within` jobs of those that follow. */
  | { readonly phase: 'leased' | 'dead'; readonly skip: number; readonly within: number }
  | { readonly phase: 'pool'; readonly score: string; readonly id: string };

interface Step {
  readonly jobs: readonly JobRecord[];
  /** What kept it from looking. */
  readonly problem?: Problem | undefined;
  /** Where the topic goes on; absent at its end. */
  readonly next?: TopicPlace | undefined;
}

/** What each phase may find. A job that waits for another one of its id is delayed, and stands with the leased. */
const FINDS: Readonly<Record<TopicPlace['phase'], readonly JobState[]>> = {
  ready: ['ready', 'expired'],
  aside: ['expired'],
  leased: ['leased', 'delayed'],
  pool: ['due', 'delayed', 'expired'],
  dead: ['dead'],
};

const START: TopicPlace = { phase: 'ready', skip: 0 };
const ASIDE_START: TopicPlace = { phase: 'aside', skip: 0 };
const LEASED_START: TopicPlace = { phase: 'leased', skip: 0, within: 0 };
const POOL_START: TopicPlace = { phase: 'pool', score: '', id: '' };
const DEAD_START: TopicPlace = { phase: 'dead', skip: 0, within: 0 };

/** One call of `list`. */
interface Listing {
  readonly read: Read;
  readonly selection: Selection;
  /** By topic. */
  readonly ready: readonly ReadyLister[];
}

export async function list(read: Read, { selection, limit, cursor }: ListParams): Promise<JobPage> {
  const ready = selection.topics.map((topic) => new ReadyLister(read, topic));
  const listing: Listing = { read, selection, ready };
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

/** Is there a job from here on? A page is the last when none is. */
async function hasMore(listing: Listing, from: Place): Promise<boolean> {
  for (let place: Place | undefined = from; place;) {
    const step: Awaited<ReturnType<typeof stepFrom>> = await stepFrom(listing, place, 1);
    if (step.jobs.length > 0) return true;
    place = step.place;
  }
  return false;
}

/** One step of a listing: up to `most` selected jobs, and where the next step begins, or nothing at the end. */
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
    jobs: step.jobs.filter(selectionMatcher(selection)),
    problem: step.problem,
    place: after.topic < selection.topics.length ? after : undefined,
  };
}

/** A key of a wrong type keeps nobody from looking at the others. */
function passOver(error: unknown, { phase }: Place): Step {
  if (!(error instanceof DelayerError) || error.code !== 'store_wrong_type') throw error;
  const problem = { code: 'wrong_type', message: error.message, hint: error.hint } as const;
  return { jobs: [], problem, next: nextPhase(phase) };
}

/** The pool is in order of due time: behind the first delayed job there is none that is due. */
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
      // Few are set aside: all are read for each page.
      const jobs: JobRecord[] = [];
      for await (const job of asideJobs(read)) if (job.topic?.equals(topic) === true) jobs.push(job);
      const page = jobs.slice(place.skip, place.skip + most);
      const skip = place.skip + page.length;
      return { jobs: page, next: skip < jobs.length ? { phase: 'aside', skip } : nextPhase('aside') };
    }
    case 'leased': {
      const part = await read((target) => listLeased(target, place.skip, { topic }));
      return cut({ ...part, jobs: part.jobs.map(({ job }) => job) }, place, most);
    }
    case 'pool': {
      const after = { score: place.score, id: Buffer.from(place.id, 'base64url') };
      const { last, jobs } = await read((target) => listPool(target, topic, after, WINDOW, most));
      const next: TopicPlace = { phase: 'pool', score: last.score, id: last.id.toString('base64url') };
      return { jobs, next: last.score === '' ? nextPhase('pool') : next };
    }
    case 'dead': {
      const part = await read((target) => listDead(target, place.skip, WINDOW, { topic }));
      return cut(part, place, most);
    }
  }
}

/** A part of records of which each holds several jobs: a page may end within one. */
function cut(
  { lookedAt, jobs }: { lookedAt: number; jobs: readonly JobRecord[] },
  place: Extract<TopicPlace, { within: number }>,
  most: number,
): Step {
  const rest = jobs.slice(place.within);
  if (rest.length > most)
    return { jobs: rest.slice(0, most), next: { ...place, within: place.within + most } };
  const next = { ...place, skip: place.skip + lookedAt, within: 0 };
  return { jobs: rest, next: lookedAt === 0 ? nextPhase(place.phase) : next };
}

function toPlace(value: Partial<Record<string, unknown>>, { topics }: Selection): Place | undefined {
  const { topic, phase, skip, within, score, id } = value;
  if (!isCount(topic) || topic >= topics.length) return undefined;
  if ((phase === 'ready' || phase === 'aside') && isCount(skip)) return { topic, phase, skip };
  if ((phase === 'leased' || phase === 'dead') && isCount(skip) && isCount(within)) {
    return { topic, phase, skip, within };
  }
  const isPool = phase === 'pool' && typeof score === 'string' && typeof id === 'string';
  return isPool && /^(\d+(\.\d+)?)?$/.test(score) ? { topic, phase, score, id } : undefined;
}
