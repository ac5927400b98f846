import { assertChoice, assertDate, assertFields, assertFlag, assertList, usageError } from './check.js';
import { checkDuration } from './duration.js';
import { JOB_STATES, type JobState } from './job.js';
import { assertStates, toLeaseMs } from './params.js';
import type {
  EditRequest,
  HoldOptions,
  HoldRequest,
  JobReference,
  RemoveRequest,
  PromoteOptions,
  RequeueOptions,
  RequeueRequest,
  RescheduleRequest,
  TextOrBytes,
  Topics,
} from './requests.js';
import type {
  EditParams,
  HoldParams,
  JobToTake,
  PauseParams,
  PromoteParams,
  RemoveParams,
  RequeueParams,
  RescheduleParams,
} from './store.js';
import { toBody, toBytes, toDue, toName, toTopics, toTtl } from './validate.js';

/** The arguments of what acts on jobs, checked and as a store takes them. All throw a DelayerError `usage`. */

const REFERENCE: readonly string[] = [
  ...(['id', 'dueAt', 'topic', 'body', 'expiresAt'] satisfies (keyof JobReference)[]),
];
const REMOVE_FIELDS: readonly string[] = [
  ...REFERENCE,
  ...(['states', 'failedAt', 'isWaiting'] satisfies (keyof RemoveRequest)[]),
];
const RESCHEDULE_FIELDS: readonly string[] = [
  ...REFERENCE,
  ...(['delayMs', 'at', 'byMs'] satisfies (keyof RescheduleRequest)[]),
];
const HOLD_FIELDS: readonly string[] = [
  ...REFERENCE,
  ...(['states', 'isWaiting'] satisfies (keyof HoldRequest)[]),
];
const EDIT_FIELDS: readonly string[] = [
  ...REFERENCE,
  ...(['states', 'ifBody', 'body', 'ttlMs'] satisfies (keyof EditRequest)[]),
];
const REQUEUE_FIELDS: readonly string[] = [
  ...(['id', 'topic', 'failedAt', 'state', 'delayMs'] satisfies (keyof RequeueRequest)[]),
];
const DELAYED: readonly JobState[] = ['delayed'];
/** States of jobs that are still to be delivered and that nobody holds. */
const IN_LINE: readonly JobState[] = ['delayed', 'due', 'ready'];

export function toRemoveParams(
  jobs: readonly (TextOrBytes | RemoveRequest)[],
  options: { states?: readonly JobState[] | 'any' | undefined },
): RemoveParams {
  assertFields(options, ['states'], 'option of a remove');
  const { states: given = DELAYED } = options;
  const states = given === 'any' ? JOB_STATES : given;
  assertStates(states);
  assertList(jobs, 'ids');
  return {
    jobs: jobs.map((job) => {
      if (isName(job)) return { id: toName(job, 'id'), states };
      assertFields(job, REMOVE_FIELDS, 'field of a job');
      assertStates(job.states);
      return toGuard(job, job.states ?? states);
    }),
  };
}

export function toPromoteParams(
  jobs: readonly (TextOrBytes | JobReference)[],
  options: PromoteOptions,
): PromoteParams {
  assertList(jobs, 'jobs');
  assertFields(options, ['latestFirst'], 'option of a promote');
  const { latestFirst = false } = options;
  assertFlag(latestFirst, 'latestFirst');
  return {
    latestFirst,
    jobs: jobs.map((job) => {
      if (isName(job)) return { id: toName(job, 'id'), states: DELAYED };
      assertFields(job, REFERENCE, 'field of a job');
      return toGuard(job, DELAYED);
    }),
  };
}

export function toRescheduleParams(requests: readonly RescheduleRequest[]): RescheduleParams {
  assertList(requests, 'jobs');
  return {
    jobs: requests.map((request) => {
      assertFields(request, RESCHEDULE_FIELDS, 'field of a reschedule');
      const { delayMs, at, byMs } = request;
      if (Number(delayMs !== undefined) + Number(at !== undefined) + Number(byMs !== undefined) !== 1)
        throw usageError('A reschedule needs exactly one of delayMs, at and byMs');
      const due = byMs === undefined ? toDue({ delayMs, at }) : { byMs: toShift(byMs) };
      return { ...toGuard(request, DELAYED), due };
    }),
  };
}

function toShift(byMs: number): number {
  const isBack = typeof byMs === 'number' && byMs < 0;
  const distance = checkDuration(isBack ? -byMs : byMs, 'the shift');
  return isBack ? -distance : distance;
}

export function toEditParams(request: EditRequest): EditParams {
  assertFields(request, EDIT_FIELDS, 'field of an edit');
  const { states = IN_LINE, ifBody, body, ttlMs } = request;
  assertInLine(states, 'state of a job that can be edited');
  if (body === undefined && ttlMs === undefined) throw usageError('An edit needs a body, a ttl, or both');
  return {
    ...toGuard({ ...request, body: undefined }, states),
    ifBody: ifBody === undefined ? undefined : toBody(ifBody),
    body: body === undefined ? undefined : toBody(body),
    ttlMs: ttlMs === undefined ? undefined : toTtl(ttlMs),
  };
}

export function toHoldParams(jobs: readonly HoldRequest[], options: HoldOptions): HoldParams {
  assertFields(options, ['leaseMs', 'holder'], 'option of a hold');
  assertList(jobs, 'jobs');
  return {
    leaseMs: toLeaseMs(options.leaseMs),
    holder: toName(options.holder, 'holder').toString(),
    jobs: jobs.map((job) => {
      assertFields(job, HOLD_FIELDS, 'field of a job');
      const { states = IN_LINE } = job;
      assertInLine(states, 'state of a job that can be held');
      return toGuard(job, states);
    }),
  };
}

function assertInLine(states: readonly JobState[], what: string): void {
  assertList(states, 'states');
  for (const state of states) assertChoice(state, IN_LINE, what);
}

const isName = (given: unknown): given is TextOrBytes =>
  typeof given === 'string' || given instanceof Uint8Array;

/** Other clients push jobs with an empty topic or body, so that these may be believed. */
function toGuard(
  { id, dueAt, topic, body, expiresAt, failedAt, isWaiting }: RemoveRequest,
  states: readonly JobState[],
): JobToTake {
  assertDate(dueAt, 'dueAt');
  assertDate(expiresAt, 'expiresAt');
  assertDate(failedAt, 'failedAt');
  assertFlag(isWaiting, 'isWaiting');
  return {
    id: toName(id, 'id'),
    states,
    dueAt,
    topic: topic === undefined ? undefined : toBytes(topic, 'topic'),
    body: body === undefined ? undefined : toBytes(body, 'body'),
    expiresAt,
    failedAt,
    isWaiting,
  };
}

export function toRequeueParams(
  letters: readonly (TextOrBytes | RequeueRequest)[],
  options: RequeueOptions,
): RequeueParams {
  assertFields(options, ['delayMs', 'keepAttempts'], 'option of a requeue');
  const { delayMs: given = 0, keepAttempts = false } = options;
  assertFlag(keepAttempts, 'keepAttempts');
  assertList(letters, 'dead letters');
  const shared = checkDuration(given, 'the delay');
  const jobs = letters.map((letter) => {
    if (isName(letter)) return { id: toName(letter, 'id'), delayMs: shared };
    assertFields(letter, REQUEUE_FIELDS, 'field of a dead letter');
    const { delayMs = shared, failedAt } = letter;
    assertDate(failedAt, 'failedAt');
    if (letter.state !== undefined) assertChoice(letter.state, ['dead', 'expired'], 'state');
    const topic = letter.topic === undefined ? undefined : toName(letter.topic, 'topic');
    return {
      id: toName(letter.id, 'id'),
      topic,
      failedAt,
      state: letter.state,
      delayMs: checkDuration(delayMs, 'the delay'),
    };
  });
  return { jobs, keepAttempts };
}

export function toPauseParams(topics: Topics, options: { forMs?: number | undefined }): PauseParams {
  assertFields(options, ['forMs'], 'option of a pause');
  const forMs = options.forMs === undefined ? undefined : checkDuration(options.forMs, 'the pause');
  return { topics: toTopics(topics), forMs };
}
