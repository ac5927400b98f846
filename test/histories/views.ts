import type { JobRecord, JobState } from '../../src/core/job.js';
import type { Model } from './model.js';
import { type Attempt, type Backoff, keyOf, type ModelJob, type ModelLease, type Seen } from './job.js';
import { truthInLine, truthOfLease, truthOfLetter, truthOfWaiting } from './truths.js';

/** What the views must show by the model. */

export function expectedFind(model: Model, id: string, now: number): Seen[] {
  const job = model.line.get(id);
  const state = model.line.state(id, now);
  const inLine = job && state && !(model.rules.losesExpired && state === 'expired');
  return [
    ...(inLine ? [seenInLine(model, job, state, now)] : []),
    ...leased(model, (one) => one.id === id).map((lease) => ({
      ...seenLease(lease),
      says: truthOfLease(model, lease, now),
    })),
    ...waiting(model, (one) => one.id === id).map((one) => ({
      ...seenWaiting(one),
      says: truthOfWaiting(model, one, now),
    })),
    ...model.lettersOf(id).map((letter) => ({
      ...seenLetter(letter),
      says: truthOfLetter(model, letter, now),
    })),
  ];
}

/** The jobs of a topic: those in line in order, the others in any order. */
export function expectedList(model: Model, topic: string, now: number): { line: Seen[]; others: Seen[] } {
  const line = model.line
    .jobs(topic, now)
    .filter(({ state }) => !(model.rules.losesExpired && state === 'expired'))
    .map(({ job, state }) => seen(job, state));
  const letters = model.letters.filter(({ job }) => job.topic === topic).map(seenLetter);
  const isOfTopic = (one: ModelJob) => one.topic === topic;
  const away = [...leased(model, isOfTopic).map(seenLease), ...waiting(model, isOfTopic).map(seenWaiting)];
  return { line, others: [...away, ...letters] };
}

export interface Counts {
  delayed: number;
  due: number;
  ready: number;
  leased: number;
  expired: number;
  dead: number;
  nextDueAt: number | undefined;
  pausedUntilMs: number | undefined;
}

export function expectedCounts(model: Model, topic: string, now: number): Counts {
  const { line, others } = expectedList(model, topic, now);
  const all = [...line, ...others];
  const count = (state: JobState) => all.filter((job) => job.state === state).length;
  const coming = line.filter(({ state }) => state === 'delayed' || state === 'due');
  const first = Math.min(...coming.map(({ dueAt }) => dueAt ?? Infinity));
  const paused = model.pauses.get(topic);
  return {
    delayed: count('delayed'),
    due: count('due'),
    ready: count('ready'),
    leased: count('leased'),
    expired: count('expired'),
    dead: count('dead'),
    nextDueAt: first < Infinity ? first : undefined,
    pausedUntilMs: paused !== undefined && paused > now ? paused : undefined,
  };
}

function seenInLine(model: Model, job: ModelJob, state: JobState, now: number): Seen {
  const ready = model.line.jobs(job.topic, now).filter((one) => one.state === 'ready');
  const ahead = state === 'ready' ? ready.findIndex((one) => one.job === job) : undefined;
  return { ...seen(job, state), readyAhead: ahead, says: truthInLine(model, job, { state, ahead }, now) };
}

function seen(job: ModelJob, state: JobState): Seen {
  const { id, topic, body, dueAt, attempts, own } = job;
  const expiresAt = job.expiresAt < Infinity ? job.expiresAt : undefined;
  const { retries } = own;
  const lifetime =
    dueAt === undefined || expiresAt === undefined ? undefined : Math.max(0, expiresAt - dueAt);
  const ttlMs = job.ttlMs === Infinity ? undefined : (job.ttlMs ?? lifetime);
  const kept = { retries, backoff: textOfBackoff(own.backoff), history: textOfHistory(job.history) };
  return { id, state, topic, body, dueAt, expiresAt, attempts, key: job.key, ttlMs, ...kept };
}

const textOfBackoff = (backoff: Backoff | undefined): string | undefined =>
  backoff && `${backoff.firstMs}..${backoff.lastMs}`;

function textOfHistory(history: readonly Attempt[]): string | undefined {
  if (history.length === 0) return undefined;
  return history
    .map(({ attempt, startedAt, endedAt, outcome, exitCode, signal, reason = '' }) =>
      [attempt, startedAt, endedAt, outcome, exitCode, signal, reason].join('/'),
    )
    .join(' ');
}

/** The leases of some jobs, in order of their end. */
const leased = (model: Model, isWanted: (job: ModelJob) => boolean): ModelLease[] =>
  model.leases.filter(({ job }) => isWanted(job)).sort((a, b) => a.end - b.end);
const waiting = (model: Model, isWanted: (job: ModelJob) => boolean): ModelJob[] =>
  model.waiting.map(({ job }) => job).filter(isWanted);

const seenLease = ({ job, name, since, end, holder }: ModelLease): Seen => ({
  ...seen(job, 'leased'),
  key: job.key ?? keyOf(name),
  lease: name,
  leaseUntil: end,
  leasedAt: since,
  leasedBy: holder,
});
const seenWaiting = (job: ModelJob): Seen => ({ ...seen(job, 'delayed'), waits: true });

export function seenLetter({ job, failedAt, deleteAt, reason }: Model['letters'][number]): Seen {
  return {
    ...seen(job, 'dead'),
    expiresAt: undefined,
    reason: reason === '' ? undefined : reason,
    failedAt,
    deadUntil: deleteAt < Infinity ? deleteAt : undefined,
  };
}

/** A record of a store as the model shows it. */
export function toSeen(record: JobRecord): Seen {
  const { id, topic, body, state, attempts, lease, reason, readyAhead, isWaiting } = record;
  return {
    id: id.toString(),
    state,
    topic: topic?.toString(),
    body: body?.toString(),
    dueAt: record.dueAt?.getTime(),
    expiresAt: record.expiresAt?.getTime(),
    attempts,
    lease,
    leaseUntil: record.leaseUntil?.getTime(),
    reason: reason === '' ? undefined : reason,
    failedAt: record.failedAt?.getTime(),
    deadUntil: record.deadUntil?.getTime(),
    readyAhead,
    waits: isWaiting,
    retries: record.retries,
    backoff: textOfBackoff(record.backoff),
    history: textOfHistory((record.history ?? []).map(toAttempt)),
    leasedAt: record.leasedAt?.getTime(),
    leasedBy: record.leasedBy,
    key: record.key,
    ttlMs: record.ttlMs,
  };
}

export const toAttempt = ({ startedAt, endedAt, ...attempt }: HistoryOf<JobRecord>): Attempt => ({
  ...attempt,
  startedAt: startedAt?.getTime() ?? NaN,
  endedAt: endedAt.getTime(),
});
type HistoryOf<T extends JobRecord> = NonNullable<T['history']>[number];

const FIELDS = [
  'id',
  'state',
  'topic',
  'body',
  'dueAt',
  'expiresAt',
  'attempts',
  'lease',
  'leaseUntil',
  'reason',
  'failedAt',
  'deadUntil',
  'readyAhead',
  'waits',
  'retries',
  'backoff',
  'history',
  'leasedAt',
  'leasedBy',
  'says',
] satisfies (keyof Seen)[];

/** All fields in one line, to compare and to print. */
export function textOf(job: Seen): string {
  return FIELDS.flatMap((field) => (job[field] === undefined ? [] : `${field}=${job[field]}`)).join(' ');
}
