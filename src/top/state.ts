import { type Bytes, JOB_STATES, type JobRecord, type JobState } from '../core/job.js';
import { escapeForTerminal } from '../output/escape.js';
import { LIST_START, type ListPlace } from './list.js';
import { includesText, keyOfJob, type Snapshot, type SortKey, sortRows, type TopicRow } from './snapshot.js';

/** The screen is a function of this state only. A state is replaced, never changed. */
export interface State {
  readonly store: string;
  readonly intervalMs: number;
  /** Are there due jobs that wait to be made ready? Not in every store. */
  readonly hasDue: boolean;
  readonly size: Size;
  readonly place: Place;
  readonly snapshot: Snapshot;
  readonly topics: List & { readonly sort: SortKey };
  /** The topic that was opened, and in it the job. */
  readonly jobs?: JobsView | undefined;
  readonly job?: JobView | undefined;
  readonly prompt?: Prompt | undefined;
  /** The help is shown, from this line on. */
  readonly help?: { readonly offset: number } | undefined;
  readonly status?: Status | undefined;
  /** Why the store does not answer, since when, and the status of that time. */
  readonly trouble?:
    { readonly message: string; readonly since: Date; readonly before?: Status | undefined } | undefined;
  /** The act that is under way on a job or topic. */
  readonly acting?: string | undefined;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export type Place = 'topics' | 'jobs' | 'job';

export interface List {
  readonly list: ListPlace;
  /** Only rows that include this text are shown. */
  readonly filter: string;
}

export interface JobsView extends List {
  readonly topic: Bytes;
  /** Only jobs of this state; all when absent. */
  readonly only?: JobState | undefined;
  /** Where the page begins, and where those before it began; the first has no cursor. */
  readonly cursors: readonly string[];
  /** Absent until the store has answered. */
  readonly page?: Page | undefined;
}

export interface Page {
  readonly jobs: readonly JobRecord[];
  readonly cursor?: string | undefined;
  /** What could not be listed. */
  readonly problem?: string | undefined;
}

export interface JobView {
  /** As it was last seen. */
  readonly record: JobRecord;
  /** All jobs of its id, and when they were looked at; absent until the store has answered. */
  readonly found?: { readonly jobs: readonly JobRecord[]; readonly now: Date } | undefined;
  /** The line that is shown first. */
  readonly offset: number;
}

export type Act =
  | { readonly type: 'promote' | 'remove'; readonly job: JobRecord }
  | { readonly type: 'pause' | 'resume'; readonly topic: Bytes };

export type Prompt =
  { readonly type: 'search'; readonly text: string } | { readonly type: 'confirm'; readonly act: Act };

export interface Status {
  readonly text: string;
  readonly isError?: boolean | undefined;
}

export function initialState(
  about: Pick<State, 'store' | 'intervalMs' | 'hasDue' | 'size'>,
  snapshot: Snapshot,
): State {
  const topics = { list: { ...LIST_START }, filter: '', sort: 'topic' } as const;
  return { ...about, place: 'topics', snapshot, topics };
}

/** The states that this store has. */
export const statesOf = ({ hasDue }: State): readonly JobState[] =>
  JOB_STATES.filter((state) => hasDue || state !== 'due');

const sorted = new WeakMap<Snapshot, { of: string; rows: readonly TopicRow[] }>();

/** The topics on the screen, in order. */
export function shownTopics({ snapshot, topics: { sort, filter } }: State): readonly TopicRow[] {
  const of = `${sort} ${filter}`;
  const known = sorted.get(snapshot);
  if (known?.of === of) return known.rows;
  const all = sortRows(snapshot, sort);
  const rows = filter === '' ? all : all.filter(({ name }) => includesText(name, filter));
  sorted.set(snapshot, { of, rows });
  return rows;
}

/** The jobs on the screen, in the order of the store. */
export function shownJobs({ jobs }: State): readonly JobRecord[] {
  const { page, filter = '' } = jobs ?? {};
  const all = page?.jobs ?? [];
  return filter === '' ? all : all.filter((job) => includesText(textOf(job), filter));
}

/** How many bytes of a body are searched. */
const SEARCHED_BYTES = 64 * 1024;

function textOf({ id, state, reason, body }: JobRecord): string {
  const start = body && escapeForTerminal(body.subarray(0, SEARCHED_BYTES) as Bytes);
  return [escapeForTerminal(id), state, reason ?? '', start ?? ''].join('\n');
}

export function selectedTopic(state: State): TopicRow | undefined {
  if (state.place === 'topics') return shownTopics(state)[state.topics.list.index];
  const { jobs } = state;
  return jobs && state.snapshot.rows.find(({ stats }) => stats.topic.equals(jobs.topic));
}

/** The job on which a key would act. */
export function selectedJob(state: State): JobRecord | undefined {
  const { job } = state;
  if (state.place === 'job')
    return job?.found && !job.found.jobs.includes(job.record) ? undefined : job?.record;
  return state.place === 'jobs' ? shownJobs(state)[state.jobs?.list.index ?? 0] : undefined;
}

export const keysOf = (state: State): string[] =>
  state.place === 'topics' ? shownTopics(state).map(({ key }) => key) : shownJobs(state).map(keyOfJob);
