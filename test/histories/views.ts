import type { JobRecord, JobState } from '../../src/core/job.js';
import type { Model } from './model.js';
import type { ModelJob, Seen } from './job.js';

/** What the views have to show, by the model. */

export function expectedFind(model: Model, id: string, now: number): Seen[] {
  const job = model.line.get(id);
  const state = model.line.state(id, now);
  const inLine = job && state && !(model.rules.losesExpired && state === 'expired');
  return [
    ...(inLine ? [seenInLine(model, job, state, now)] : []),
    ...away(model, (one) => one.id === id),
    ...model.lettersOf(id).map(seenLetter),
  ];
}

/** The jobs of a topic: those in line in their order, the others in any. */
export function expectedList(model: Model, topic: string, now: number): { line: Seen[]; others: Seen[] } {
  const line = model.line
    .jobs(topic, now)
    .filter(({ state }) => !(model.rules.losesExpired && state === 'expired'))
    .map(({ job, state }) => seen(job, state));
  const letters = model.letters.filter(({ job }) => job.topic === topic).map(seenLetter);
  return { line, others: [...away(model, (one) => one.topic === topic), ...letters] };
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
  if (state !== 'ready') return seen(job, state);
  const before = model.line.jobs(job.topic, now);
  const ready = before.filter((one) => one.state === 'ready');
  return { ...seen(job, state), readyAhead: ready.findIndex((one) => one.job === job) };
}

function seen(job: ModelJob, state: JobState): Seen {
  const { id, topic, body, dueAt, attempts } = job;
  const expiresAt = job.expiresAt < Infinity ? job.expiresAt : undefined;
  return { id, state, topic, body, dueAt, expiresAt, attempts };
}

/** Leased jobs by the end of their lease, then those that wait. */
function away(model: Model, isWanted: (job: ModelJob) => boolean): Seen[] {
  const leases = model.leases.filter(({ job }) => isWanted(job)).sort((a, b) => a.end - b.end);
  const leased = leases.map(({ job, name, end }) => ({
    ...seen(job, 'leased'),
    lease: name,
    leaseUntil: end,
  }));
  const waiting = model.waiting.filter(({ job }) => isWanted(job));
  return [...leased, ...waiting.map(({ job }) => ({ ...seen(job, 'delayed'), waits: true }))];
}

export function seenLetter({ job, failedAt, deleteAt, reason }: Model['letters'][number]): Seen {
  return {
    ...seen(job, 'dead'),
    expiresAt: undefined,
    reason: reason === '' ? undefined : reason,
    failedAt,
    deadUntil: deleteAt < Infinity ? deleteAt : undefined,
  };
}

/** A record of a store in the words of the model. */
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
  };
}

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
] satisfies (keyof Seen)[];

/** One line of text that says all of it, to compare and to print. */
export function textOf(job: Seen): string {
  return FIELDS.flatMap((field) => (job[field] === undefined ? [] : `${field}=${job[field]}`)).join(' ');
}
