import { chunks } from '../core/chunks.js';
import { DelayerError } from '../core/errors.js';
import type { Bytes, JobRecord, JobState } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { JobReference, RemoveRequest, RescheduleRequest } from '../core/requests.js';
import type { RemoveResult } from '../core/results.js';
import { spreadMs } from './spread.js';
import type { Act, Outcome } from './sweep.js';

/**
 * What the verbs of an operator do with jobs that a look has found. A job that has changed since then is left alone.
 */

/** Ids that are looked up at once. */
const LOOKS_AT_ONCE = 100;

/** Where jobs are kept before they are removed. */
export interface Archive {
  /**
   * Rejects where they cannot be kept; then they are not removed.
   * @param turn nothing is kept before it has ended, and nothing at all where it rejects
   */
  keep(jobs: readonly JobRecord[], turn?: Promise<unknown>): Promise<void>;
  /** Is told, in order, which of those that were kept last were removed. */
  confirm(removed: readonly boolean[]): Promise<void>;
}

const toOutcome = (isDone: boolean): Outcome => (isDone ? 'done' : 'changed');

/** The same for a delayed job that may have come from a scan without content. */
const toOutcomeOfDelayed = (isDone: boolean, state: JobState | undefined): Outcome =>
  state === 'expired' ? 'not_selected' : toOutcome(isDone);

/**
 * Removes jobs. It may be called again before it has answered: an archive keeps the jobs of a call only when those
 * of the call before are confirmed, and not at all if that call failed. So no more than one part of the archive is
 * of unknown outcome, and it is the last one.
 */
export function removing(queue: Queue, archive?: Archive): Act {
  let turn: Promise<unknown> = Promise.resolve();
  const remove = async (jobs: readonly JobRecord[], before: Promise<unknown>) => {
    await archive?.keep(jobs, before);
    const requests = jobs.map(toRemoveRequest);
    const removed = withTwins(requests, await removeKept(queue, jobs, archive));
    await archive?.confirm(removed);
    return removed.map(toOutcome);
  };
  return (jobs) => {
    const outcomes = remove(jobs, turn);
    // Without an archive there is nothing to wait for.
    if (archive) turn = outcomes;
    turn.catch(() => undefined);
    return outcomes;
  };
}

/**
 * Removes jobs that the archive keeps. Where that fails, and all are still there, the archive is told that none was
 * removed; else it is not told anything.
 */
async function removeKept(
  queue: Queue,
  jobs: readonly JobRecord[],
  archive: Archive | undefined,
): Promise<RemoveResult[]> {
  try {
    return await queue.removeMany(jobs.map(toRemoveRequest));
  } catch (error) {
    // A request without an answer may still be done after a look.
    const mayLook = archive && error instanceof DelayerError && error.code !== 'outcome_unknown';
    if (mayLook && (await areThere(queue, jobs).catch(() => false)))
      await archive.confirm(jobs.map(() => false)).catch(() => undefined);
    throw error;
  }
}

/** Are all of these jobs in the store? Their states may have changed with time. */
async function areThere(queue: Queue, jobs: readonly JobRecord[]): Promise<boolean> {
  const contentOf = ({ id, topic, body, state, failedAt }: JobRecord): string =>
    nameOf({ id, topic, body, failedAt: state === 'dead' ? failedAt : undefined });
  const byId = new Map<string, JobRecord[]>();
  for (const job of jobs) {
    const name = job.id.toString('latin1');
    byId.set(name, [...(byId.get(name) ?? []), job]);
  }
  for (const some of chunks([...byId.values()], LOOKS_AT_ONCE)) {
    const found = await Promise.all(some.map(([job]) => (job ? queue.find(job.id) : Promise.resolve([]))));
    for (const [i, wanted] of some.entries()) {
      const left = (found[i] ?? []).map(contentOf);
      for (const content of wanted.map(contentOf)) {
        const at = left.indexOf(content);
        if (at < 0) return false;
        left.splice(at, 1);
      }
    }
  }
  return true;
}

/**
 * Jobs that are the same in all that is believed of them leave together; only the first is reported as removed.
 */
function withTwins(requests: readonly RemoveRequest[], results: readonly RemoveResult[]): boolean[] {
  const removed = results.map((result) => result.removed);
  if (!removed.includes(false)) return removed;
  const isGone = new Set(requests.filter((_, i) => removed[i]).map(nameOf));
  return requests.map((request, i) => removed[i] === true || isGone.has(nameOf(request)));
}

function toRemoveRequest(job: JobRecord): RemoveRequest {
  const { id, state, dueAt, topic, body, expiresAt, failedAt, isWaiting = false } = job;
  const states = [state];
  if (state === 'dead') return { id, states, topic, body, failedAt };
  // Of a job that has expired in a ready list of Redis nobody knows any more what it was.
  if (state === 'expired') return { id, states, isWaiting };
  return { id, states, dueAt, topic, body, expiresAt, isWaiting };
}

/** A job that nobody may have changed since: of a scan without content, its body and expiry are not known. */
export function asSeen({ id, dueAt, topic, body, expiresAt }: JobRecord): JobReference {
  return { id, dueAt, topic, body, expiresAt };
}

const nameOf = ({ id, topic, body, states, dueAt, failedAt, isWaiting }: RemoveRequest): string =>
  [
    ...[id, topic, body].map((bytes) => bytes && Buffer.from(bytes).toString('base64')),
    ...[states?.[0], dueAt?.getTime(), failedAt?.getTime(), isWaiting],
  ].join(' ');

/** Acts on those that do not wait for another one of their id: these cannot be moved. */
function onMovable(act: Act): Act {
  return async (jobs) => {
    const movable = jobs.filter(({ isWaiting }) => isWaiting !== true);
    if (movable.length === jobs.length) return act(jobs);
    const outcomes = new Map((await act(movable)).map((outcome, i) => [movable[i], outcome]));
    return jobs.map((job) => outcomes.get(job) ?? 'duplicate_id');
  };
}

/** Promotes jobs that come in the reverse of their order in line. */
export function promoting(queue: Queue): Act {
  return onMovable(async (jobs) => {
    const results = await queue.promote(jobs.map(asSeen), { latestFirst: true });
    return results.map(({ promoted, state }) => toOutcomeOfDelayed(promoted, state));
  });
}

/** New due times lie evenly over a time (ms), in the order in which the jobs come, of which there are `total`. */
export interface Spread {
  readonly ms: number;
  readonly total: number | undefined;
}

/** The new due time: the same for all jobs, or a shift (ms) of each job's own due time. */
export type NewDue = { readonly at: Date; readonly spread: Spread } | { readonly byMs: number };

/**
 * Gives jobs another due time. A scan may meet a job again after it was moved; it is left alone then.
 * @returns also a way to recognise such a job
 */
export function rescheduling(queue: Queue, due: NewDue): { act: Act; isDone: (job: JobRecord) => boolean } {
  // When a scan begins with the jobs due last, it meets a job again that was moved to an earlier time.
  const ahead = new Set<string>();
  let count = 0;
  const act: Act = async (jobs) => {
    const requests = jobs.map((job, i): RescheduleRequest => {
      if ('byMs' in due) return { ...asSeen(job), byMs: due.byMs };
      const at = new Date(due.at.getTime() + spreadMs(due.spread.ms, count + i, due.spread.total));
      return { ...asSeen(job), at };
    });
    count += jobs.length;
    const results = await queue.reschedule(requests);
    for (const [i, { id, dueAt }] of jobs.entries()) {
      const now = results[i]?.dueAt;
      if (now && dueAt && now < dueAt) ahead.add(id.toString('latin1'));
    }
    return results.map(({ rescheduled, state }) => toOutcomeOfDelayed(rescheduled, state));
  };
  return { act: onMovable(act), isDone: ({ id }) => ahead.has(id.toString('latin1')) };
}

/** Makes dead letters jobs again, due after a delay (ms), or evenly spread over a time. */
export function requeueing(
  queue: Queue,
  {
    delayMs,
    spread,
    keepAttempts,
  }: { readonly delayMs: number; readonly spread: Spread; readonly keepAttempts: boolean },
): Act {
  let count = 0;
  return async (jobs) => {
    const letters = jobs.map(({ id, topic, failedAt, state }, i) => ({
      ...{ id, topic, failedAt, state: state === 'expired' ? state : ('dead' as const) },
      delayMs: delayMs + spreadMs(spread.ms, count + i, spread.total),
    }));
    count += jobs.length;
    const results = await queue.requeue(letters, { keepAttempts });
    return results.map((result) => {
      if (result === 'requeued') return 'done';
      return result === 'duplicate_id' ? result : 'changed';
    });
  };
}

/**
 * Removes the jobs of ids in any state, and keeps those that are there.
 * @returns for each id, in order, whether one was removed, and what it was
 */
export async function removeAnyState(
  queue: Queue,
  ids: readonly Bytes[],
  archive: Archive | undefined,
): Promise<RemoveResult[]> {
  if (archive === undefined) return queue.removeMany(ids, { states: 'any' });
  const found = await Promise.all(ids.map((id) => queue.find(id)));
  const jobs = found.flat();
  await archive.keep(jobs);
  const results = await removeKept(queue, jobs, archive);
  await archive.confirm(results.map(({ removed }) => removed));
  let next = 0;
  return found.map((ofId) => {
    const own = results.slice(next, (next += ofId.length));
    return own.find(({ removed }) => removed) ?? { removed: false, state: own[0]?.state ?? ofId[0]?.state };
  });
}
