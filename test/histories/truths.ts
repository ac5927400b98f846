import { formatDuration } from '../../src/core/duration.js';
import type { JobState } from '../../src/core/job.js';
import type { Letter, ModelJob, ModelLease } from './job.js';
import type { Model } from './model.js';
import { RedisLine } from './redis-line.js';

/** What the explanation of a job must claim by the model, in the words of claims.ts and the order of the sentences. */

const text = (claims: readonly (string | undefined | false)[]): string => claims.filter(Boolean).join('; ');
const span = (from: number, to: number): string => formatDuration(Math.abs(to - from));

export function truthInLine(
  model: Model,
  job: ModelJob,
  { state, ahead }: { readonly state: JobState; readonly ahead: number | undefined },
  now: number,
): string {
  const { topic, dueAt, expiresAt } = job;
  const isStuck = model.line.isBlocked(topic) && 'its list is none';
  const since = dueAt === undefined ? undefined : span(now, dueAt);
  const left = expiresAt < Infinity ? `expires in ${span(now, expiresAt)}` : 'never expires';
  const entries = entriesOf(model, job, state);
  const last = lastAttempt(job, state, now);
  switch (state) {
    case 'delayed':
      if (isStuck) return text([`due in ${since}`, isStuck]);
      if (expiresAt <= (dueAt ?? now))
        return text([`due in ${since}`, 'expires first', 'never delivered', last, entries]);
      return text([`due in ${since}`, left, paused(model, topic, dueAt ?? now), last, entries]);
    case 'due':
      if (isStuck) return text([`due for ${since}`, isStuck]);
      return text([
        `due for ${since}`,
        'somebody makes it ready',
        paused(model, topic, now),
        left,
        last,
        entries,
      ]);
    case 'ready':
      return text([
        since === undefined ? 'ready' : `ready, due for ${since}`,
        `${ahead} before it`,
        paused(model, topic, now),
        left,
        last,
        entries,
      ]);
    default:
      return text([`expired for ${span(now, expiresAt)}`, 'requeue only']);
  }
}

/** How the last attempt of a job that is retried ended. */
function lastAttempt({ history, own, dueAt }: ModelJob, state: JobState, now: number): string | undefined {
  const last = history.at(-1);
  if (!last || last.outcome === 'dead') return undefined;
  const { attempt, endedAt, outcome, reason } = last;
  const number = `attempt ${attempt} of ${own.retries === undefined ? undefined : own.retries + 1}`;
  if (outcome === 'lease_ended') return `${number} lost for ${span(endedAt, now)}`;
  const failed = `${number} failed for ${span(endedAt, now)}: ${reason === '' ? undefined : reason}`;
  return text([
    failed,
    state === 'delayed' && dueAt !== undefined && `again at ${new Date(dueAt).toISOString()}`,
  ]);
}

function paused(model: Model, topic: string, at: number): string | undefined {
  const until = model.pauses.get(topic) ?? -Infinity;
  if (until <= at) return undefined;
  return until === Infinity ? 'paused until it is resumed' : `paused until ${new Date(until).toISOString()}`;
}

/** Surplus entries of the id in the list of its topic: a ready job has one, any other none. */
function entriesOf({ line }: Model, { id, topic }: ModelJob, state: JobState): string | undefined {
  if (!(line instanceof RedisLine)) return undefined;
  const count = line.list(topic).filter((one) => one === id).length;
  if (state === 'ready') return count > 1 ? `${count} entries` : undefined;
  return count > 0 ? `old entry in ${topic}` : undefined;
}

const isTaken = ({ line }: Model, id: string, now: number) => line.isTaken(id, now) && 'its id is taken';

export function truthOfLease(
  model: Model,
  { job, name, since, end, holder }: ModelLease,
  now: number,
): string {
  const reservation = name.split('.')[0] ?? name;
  const taken = isTaken(model, job.id, now);
  if (holder?.startsWith('export:') === true) {
    const until = end > now ? `in ${span(now, end)}` : `${span(end, now)} ago`;
    return text([`on its way by ${holder}`, `held until ${until}`, taken]);
  }
  return end > now
    ? text([`held by ${reservation} for ${span(since, now)}`, `back in ${span(now, end)}`, taken])
    : text([`lost by ${reservation} for ${span(end, now)}`, 'somebody brings it back', taken]);
}

export function truthOfWaiting(model: Model, { id, topic }: ModelJob, now: number): string {
  const { line } = model;
  const isStuck = line.isBlocked(topic) && line instanceof RedisLine && line.body(id, now) === undefined;
  if (isStuck) return text(['waits', 'its list is none']);
  return text(['waits', isTaken(model, id, now) || 'its id is free; somebody brings it back']);
}

export function truthOfLetter(
  model: Model,
  { job, failedAt, deleteAt, reason }: Letter,
  now: number,
): string {
  const { retries } = job.own;
  const end =
    deleteAt === Infinity ? 'kept' : deleteAt > now ? `deleted in ${span(now, deleteAt)}` : 'to be deleted';
  return text([
    `dead for ${span(failedAt, now)} of ${job.attempts}`,
    retries !== undefined && job.attempts > retries && `no retry left of ${retries}`,
    job.history.at(-1)?.outcome === 'lease_ended' && 'its last lease ended',
    reason === undefined || reason === '' ? 'no reason' : `reason ${reason}`,
    end,
    isTaken(model, job.id, now),
  ]);
}
