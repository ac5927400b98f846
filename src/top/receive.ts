import { follow } from './list.js';
import { isSameJob, keyOfJob, type Snapshot } from './snapshot.js';
import {
  type JobView,
  type JobsView,
  type Page,
  shownJobs,
  shownTopics,
  type Size,
  type State,
} from './state.js';
import { jobLines } from './views/job.js';
import { roomOf } from './views/room.js';

/** The state after an answer of the store, or after the screen was resized. */

/** Scrolls so that the selection is on the screen, after the state has changed. */
export function settled(state: State): State {
  const { rows } = roomOf(state.size);
  const { topics, jobs, job } = state;
  const topicKeys = shownTopics(state).map(({ key }) => key);
  return {
    ...state,
    topics: { ...topics, list: follow(topics.list, topicKeys, rows) },
    jobs: jobs && { ...jobs, list: follow(jobs.list, shownJobs(state).map(keyOfJob), rows) },
    job: job && { ...job, offset: offsetOf(state, job) },
  };
}

function offsetOf(state: State, job: JobView): number {
  // The head of a table is no other line here.
  const { rows, head } = roomOf(state.size);
  return Math.max(0, Math.min(job.offset, jobLines(state).length - rows - head));
}

export const withSize = (state: State, size: Size): State => settled({ ...state, size });

export const withSnapshot = (state: State, snapshot: Snapshot): State => settled({ ...state, snapshot });

/** Shows a page, if the user still looks at this list. */
export function withPage(state: State, asked: JobsView, page: Page): State {
  const { jobs } = state;
  const isSame = jobs?.topic === asked.topic && jobs.only === asked.only && jobs.cursors === asked.cursors;
  return jobs && isSame ? settled({ ...state, jobs: { ...jobs, page } }) : state;
}

export function withFound(state: State, asked: JobView, found: NonNullable<JobView['found']>): State {
  const { job } = state;
  if (!job?.record.id.equals(asked.record.id)) return state;
  const { record: before } = job;
  const record =
    found.jobs.find((one) => isSameJob(one, before)) ??
    found.jobs.find((one) => keyOfJob(one) === keyOfJob(before)) ??
    (found.jobs.length === 1 ? found.jobs[0] : undefined);
  return settled({ ...state, job: { ...job, record: record ?? before, found } });
}
