import { isWrongTypeError } from '../errors.js';
import { JOB_STATES, type JobRecord, type JobState } from '../../../core/job.js';
import type { ScanPart } from '../../../core/views.js';
import { type Selection, selectionMatcher, topicMatcher } from '../../../core/selection.js';
import type { ScanParams } from '../../../core/store.js';
import type { Keys } from '../keys.js';
import { listDead, listLeased, listPool, SET_START, type SetPlace } from '../scripts/list.js';
import { asideJobs } from './aside.js';
import { readyLists } from './entries.js';
import { withoutUnnamed } from '../../unnamed.js';
import { type Read, WINDOW } from './read.js';
import { walkReady } from './walk-ready.js';

/** Where a scan looks, in order; and what it may find there. A job that waits for another one of its id is delayed. */
const PHASES: readonly { readonly finds: readonly JobState[]; readonly look: Phase }[] = [
  { finds: ['due', 'delayed', 'expired'], look: scanPool },
  { finds: ['ready', 'expired'], look: scanReady },
  { finds: ['expired'], look: scanAside },
  { finds: ['leased', 'delayed'], look: scanLeased },
  { finds: ['dead'], look: scanDead },
];

type Phase = (scan: Scan) => AsyncGenerator<ScanPart>;

interface Scan extends ScanParams {
  readonly read: Read;
  readonly keys: Keys;
  readonly states: ReadonlySet<JobState>;
  /** The topic, if there is exactly one; absent when there may be several. */
  readonly topic: Buffer | undefined;
}

/** All selected jobs, part by part. */
export async function* scan(read: Read, keys: Keys, params: ScanParams): AsyncGenerator<ScanPart> {
  const { withoutContent } = params;
  const selection = withoutContent ? withoutEveryTopic(params.selection) : params.selection;
  const matches = selectionMatcher(selection);
  const states = new Set(selection.states ?? JOB_STATES);
  const scanning = { ...params, selection, read, keys, states, topic: onlyTopic(selection) };
  for (const { finds, look } of PHASES) {
    if (!finds.some((state) => states.has(state))) continue;
    try {
      for await (const part of look(scanning)) yield { ...part, jobs: part.jobs.filter(matches) };
    } catch (error) {
      yield wrongType(error);
    }
  }
}

/** Topics need not be read to know that each of them is selected. */
function withoutEveryTopic(selection: Selection): Selection {
  if (selection.topicGlobs?.includes('*') !== true) return selection;
  return { ...selection, topics: undefined, topicGlobs: undefined };
}

function onlyTopic({ topics, topicGlobs }: Selection): Buffer | undefined {
  return topics?.length === 1 && topicGlobs === undefined ? topics[0] : undefined;
}

/** A key with a wrong type does not keep others from being looked at; any other error ends the scan. */
function wrongType(error: unknown): ScanPart {
  if (!isWrongTypeError(error)) throw error;
  const problem = { code: 'wrong_type', message: error.message, hint: error.hint } as const;
  return { jobs: [], lookedAt: 0, problems: [problem] };
}

/** The next part is requested while the caller works on this one. */
async function* scanPool(scan: Scan): AsyncGenerator<ScanPart> {
  const { read, topic, latestFirst } = scan;
  const wanted = wantedOf(scan);
  const ask = (after: SetPlace) =>
    read((target) => listPool(target, { topic, after, limit: WINDOW, most: WINDOW, latestFirst, wanted }));
  let next = ask(poolStart(scan));
  for (;;) {
    const { jobs, lookedAt, last } = await next;
    const isLast = last.score === '' || isBeyond(scan, jobs, Number(last.score) * 1000);
    if (!isLast) {
      next = ask(last);
      // When the caller ends the scan, nobody waits for it.
      next.catch(() => undefined);
    }
    yield withoutUnnamed(jobs, lookedAt);
    if (isLast) return;
  }
}

/** What has to be read of each job to select it. */
function wantedOf({ selection, states, withoutContent }: Scan): 'place' | 'topic' | 'all' {
  if (!withoutContent || states.has('expired') || selection.bodyIncludes !== undefined) return 'all';
  return selection.topics === undefined && selection.topicGlobs === undefined ? 'place' : 'topic';
}

function poolStart({ selection: { dueAfter, dueBefore }, latestFirst }: Scan): SetPlace {
  const from = latestFirst ? dueBefore : dueAfter;
  return from === undefined ? SET_START : { ...SET_START, score: `${Math.max(0, from.getTime()) / 1000}` };
}

/** Can no job after this place of the pool be selected? The pool is in order of due time. */
function isBeyond(
  { selection, states, latestFirst }: Scan,
  jobs: readonly JobRecord[],
  placeMs: number,
): boolean {
  const { dueAfter, dueBefore, olderThan } = selection;
  if (latestFirst) return dueAfter !== undefined && placeMs < dueAfter.getTime();
  if (!states.has('delayed') && jobs.some(({ state }) => state === 'delayed')) return true;
  return [dueBefore, olderThan].some((end) => end !== undefined && placeMs >= end.getTime());
}

async function* scanReady(scan: Scan): AsyncGenerator<ScanPart> {
  for await (const topic of readyTopics(scan)) {
    try {
      yield* walkReady(scan.read, topic);
    } catch (error) {
      yield wrongType(error);
    }
  }
}

async function* readyTopics({ read, keys, selection }: Scan): AsyncGenerator<Buffer> {
  if (selection.topics && selection.topicGlobs === undefined) return yield* selection.topics;
  const matches = topicMatcher(selection);
  for await (const { topic, type } of readyLists(read, keys))
    if (type === 'list' && matches(topic)) yield topic;
}

async function* scanAside({ read }: Scan): AsyncGenerator<ScanPart> {
  for await (const job of asideJobs(read)) yield { jobs: [job], lookedAt: 1 };
}

async function* scanLeased({ read, topic }: Scan): AsyncGenerator<ScanPart> {
  for (let place: SetPlace | undefined = SET_START; place;) {
    const after: SetPlace = place;
    const { last, jobs } = await read((target) => listLeased(target, topic, after));
    yield { jobs: jobs.map(({ job }) => job), lookedAt: jobs.length };
    place = last.score === '' ? undefined : last;
  }
}

async function* scanDead({ read, topic }: Scan): AsyncGenerator<ScanPart> {
  for (let place: SetPlace | undefined = SET_START; place;) {
    const after: SetPlace = place;
    const { last, jobs } = await read((target) => listDead(target, { topic }, after, WINDOW));
    yield { jobs, lookedAt: jobs.length };
    place = last.score === '' ? undefined : last;
  }
}
