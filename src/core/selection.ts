import type { JobRecord, JobState } from './job.js';
import { globMatcher } from './glob.js';

/**
 * Which jobs a verb views or acts on. Absent conditions do not narrow; all given ones have to hold, and the members
 * of one list are alternatives. Jobs that are known by id are not selected but named: see `JobGuard` in
 * store/operator.ts.
 */
export interface Selection {
  /** By name, or by one of the globs; all topics when neither is given. */
  readonly topics?: readonly Buffer[] | undefined;
  readonly topicGlobs?: readonly string[] | undefined;
  readonly states?: readonly JobState[] | undefined;
  /** Due earlier than this. A job without a known due time matches none of these times. */
  readonly dueBefore?: Date | undefined;
  /** Due at this time or later. */
  readonly dueAfter?: Date | undefined;
  /** Due earlier than this; of dead letters, failed earlier than this. */
  readonly olderThan?: Date | undefined;
  /** See {@link globMatcher}. */
  readonly idGlobs?: readonly string[] | undefined;
  /** Bytes that stand somewhere in the body. */
  readonly bodyIncludes?: readonly Buffer[] | undefined;
}

/** A selection of topics that are named, in the order of a view. */
export interface TopicSelection extends Selection {
  readonly topics: readonly Buffer[];
}

/** The facts by which a job is selected, as far as they are known. */
type Candidate = Pick<JobRecord, 'id' | 'topic' | 'state' | 'dueAt' | 'failedAt' | 'body'>;

/** Answers whether a job is selected. When a body is asked for, a job without a known body is not. */
export function selectionMatcher(selection: Selection): (job: Candidate) => boolean {
  const { states, idGlobs, bodyIncludes } = selection;
  const matchesTopic = topicMatcher(selection);
  const matchesTime = timeMatcher(selection);
  const stateSet = states && new Set(states);
  const matchesId = idGlobs === undefined ? () => true : anyOf(idGlobs.map(globMatcher));
  return ({ id, topic, state, dueAt, failedAt, body }) =>
    (stateSet?.has(state) ?? true) &&
    matchesTime(state === 'dead' ? failedAt : dueAt, dueAt) &&
    matchesTopic(topic) &&
    matchesId(id) &&
    (bodyIncludes === undefined || bodyIncludes.some((bytes) => includes(body, bytes)));
}

/**
 * Answers whether jobs of a topic may be selected. A job without a known topic may be, only when no topic is asked
 * for.
 */
export function topicMatcher({ topics, topicGlobs }: Selection): (topic: Uint8Array | undefined) => boolean {
  if (topics === undefined && topicGlobs === undefined) return () => true;
  const names = new Set(topics?.map((topic) => topic.toString('latin1')));
  const matchesGlob = anyOf((topicGlobs ?? []).map(globMatcher));
  return (topic) =>
    topic !== undefined && (names.has(asBuffer(topic).toString('latin1')) || matchesGlob(topic));
}

function timeMatcher({ dueBefore, dueAfter, olderThan }: Selection) {
  return (since: Date | undefined, dueAt: Date | undefined): boolean =>
    (dueBefore === undefined || (dueAt !== undefined && dueAt < dueBefore)) &&
    (dueAfter === undefined || (dueAt !== undefined && dueAt >= dueAfter)) &&
    (olderThan === undefined || (since !== undefined && since < olderThan));
}

const anyOf =
  <T>(matchers: readonly ((value: T) => boolean)[]) =>
  (value: T): boolean =>
    matchers.some((matches) => matches(value));

const includes = (body: Uint8Array | undefined, bytes: Buffer): boolean =>
  body !== undefined && asBuffer(body).includes(bytes);

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
