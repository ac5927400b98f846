import type { JobRecord } from '../core/job.js';
import type { JobPage, Survey } from '../core/store.js';
import { bytesToJson, iso, jobToJson } from './json.js';

/** `inspect --json` */
export function surveyJson(store: string, survey: Survey): unknown {
  const topics = survey.topics.map(({ topic, delayed, due, ready, leased, dead, nextDueAt }) => ({
    ...bytesToJson('topic', topic),
    ...{ delayed, due, ready, leased, dead },
    nextDueAt: iso(nextDueAt),
  }));
  return { store, topics, problems: survey.problems };
}

/** `inspect TOPIC --json`; the cursor is null on the last page. */
export function jobPageJson(topic: Buffer, page: JobPage): unknown {
  return { ...bytesToJson('topic', topic), jobs: page.jobs.map(jobToJson), cursor: page.cursor ?? null };
}

/** `inspect --id ID --json`: the job; one that was pushed again while leased has its leased self in `also`. */
export function jobCardJson(told: readonly { job: JobRecord; story: readonly string[] }[]): unknown {
  const [first, ...rest] = told.map(({ job, story }) => ({
    ...jobToJson(job),
    readyAhead: job.readyAhead ?? null,
    story,
  }));
  return rest.length === 0 ? (first ?? null) : { ...first, also: rest };
}
