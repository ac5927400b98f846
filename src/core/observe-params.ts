import {
  assertDate,
  assertFields,
  assertFlag,
  assertFunction,
  assertList,
  assertText,
  toCount,
  usageError,
} from './check.js';
import { checkDuration } from './duration.js';
import { assertStates } from './params.js';
import type { Topics } from './requests.js';
import type { DueCountsRequest, JobFilter, ListQuery, ScanQuery, StatsOptions } from './views.js';
import type { Selection } from './selection.js';
import type { DueCountsParams, ListParams, ScanParams, StatsParams } from './store.js';
import { toName, toTopics } from './validate.js';

/** The arguments of what looks at jobs, checked and as a store takes them. All throw a DelayerError `usage`. */

/** Jobs on a page, when nothing else is said. */
const LIST_LIMIT = 50;

const FILTER_FIELDS: readonly (keyof JobFilter)[] = [
  ...(['states', 'dueBefore', 'dueAfter', 'olderThan', 'idGlobs', 'bodyIncludes'] as const),
];
const LIST_FIELDS: readonly (keyof ListQuery)[] = [...FILTER_FIELDS, 'limit', 'cursor'];
const SCAN_FIELDS: readonly (keyof ScanQuery)[] = [
  ...FILTER_FIELDS,
  'topics',
  'topicGlobs',
  'latestFirst',
  'withoutContent',
];

export function toStatsParams(options: StatsOptions): StatsParams {
  assertFields(options, ['exact', 'beyond', 'onProgress'], 'option of stats');
  assertFlag(options.exact, 'exact');
  assertDate(options.beyond, 'beyond');
  const { exact = true, beyond, onProgress } = options;
  if (onProgress !== undefined) assertFunction(onProgress, 'onProgress');
  return { exact, beyondMs: beyond?.getTime(), onProgress };
}

/** Each step is a query. */
const MAX_STEPS = 10_000;

export function toDueCountsParams(request: DueCountsRequest): DueCountsParams {
  assertFields(request, ['topics', 'stepMs', 'steps'], 'field of a question for due times');
  const stepMs = checkDuration(request.stepMs, 'the step');
  if (stepMs === 0) throw usageError('The step is zero', 'Give it a millisecond or more.');
  const steps = toCount(request.steps, 'number of steps', MAX_STEPS);
  const topics = request.topics === undefined ? undefined : toTopics(request.topics);
  return { topics, stepMs, steps };
}

export function toListParams(topics: Topics, query: ListQuery): ListParams {
  assertFields(query, LIST_FIELDS, 'field of a query');
  const { limit = LIST_LIMIT, cursor } = query;
  assertText(cursor, 'cursor');
  const selection = { ...toFilter(query), topics: toTopics(topics) };
  return { selection, limit: toCount(limit, 'limit'), cursor };
}

export function toScanParams(query: ScanQuery): ScanParams {
  assertFields(query, SCAN_FIELDS, 'field of a scan');
  const { topics, topicGlobs, latestFirst = false, withoutContent = false } = query;
  assertTexts(topicGlobs, 'topicGlobs');
  assertFlag(latestFirst, 'latestFirst');
  assertFlag(withoutContent, 'withoutContent');
  const named = topics === undefined ? undefined : toTopics(topics);
  const selection = { topics: named, topicGlobs, ...toFilter(query) };
  return { selection, latestFirst, withoutContent };
}

function toFilter(query: JobFilter): Omit<Selection, 'topics'> {
  const { states, dueBefore, dueAfter, olderThan, idGlobs, bodyIncludes } = query;
  assertStates(states);
  assertDate(dueBefore, 'dueBefore');
  assertDate(dueAfter, 'dueAfter');
  assertDate(olderThan, 'olderThan');
  assertTexts(idGlobs, 'idGlobs');
  if (bodyIncludes !== undefined) assertList(bodyIncludes, 'bodyIncludes');
  const bytes = bodyIncludes?.map((one) => toName(one, 'text to look for'));
  return { states, dueBefore, dueAfter, olderThan, idGlobs, bodyIncludes: bytes };
}

function assertTexts(texts: readonly string[] | undefined, what: string): void {
  if (texts === undefined) return;
  assertList(texts, what);
  for (const text of texts) assertText(text, what);
}

export function toFlawedParams(options: { limit?: number | undefined }): { limit: number } {
  assertFields(options, ['limit'], 'option of findFlawed');
  const { limit = LIST_LIMIT } = options;
  return { limit: toCount(limit, 'limit') };
}
