import type { Bytes, JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { ImportRequest, TextOrBytes } from '../core/requests.js';
import type { Mover } from './move-out.js';

/** The last step of a move that was cut off, as its file shows it. */
export interface CutOffStep {
  readonly jobs: readonly ImportRequest[];
  /** Was it written whole? If not, none of its jobs has left the store. */
  readonly isWhole: boolean;
  /** Until when its jobs were held in the store; absent where none was held. */
  readonly heldUntil: Date | undefined;
}

/** What has become of its jobs, in order. */
export interface EndedStep {
  /** Which have left the store. */
  readonly gone: readonly boolean[];
  /**
   * How many of those may have left the store in another way: their hold had ended before anybody looked, and they
   * are not in the store.
   */
  readonly unsure: number;
}

/**
 * Finishes the step in which a move was cut off. A job that is still held leaves the store if it is in the file, and
 * is released if it is not. A job that is no longer held has left the store, unless it is there in any state.
 */
export async function endStep(queue: Queue, mover: Mover, step: CutOffStep): Promise<EndedStep> {
  const { jobs, isWhole, heldUntil } = step;
  const held = await heldBy(queue, mover);
  const found = isWhole
    ? jobs.map((job) => {
        const at = held.findIndex((one) => isSame(job, one));
        return at < 0 ? undefined : held.splice(at, 1)[0];
      })
    : [];
  // Those that are not in the file.
  await queue.release(leasesOf(held));
  if (!isWhole) return { gone: jobs.map(() => false), unsure: 0 };
  const ours = found.flatMap((job) => job ?? []);
  const ended = await queue.ack(leasesOf(ours));
  const left = new Map(ours.map((job, i) => [job, ended[i] === true]));
  const others = await goneFrom(
    queue,
    jobs.filter((_, i) => found[i] === undefined),
  );
  const isOver = heldUntil !== undefined && heldUntil <= (await queue.now());
  let [next, unsure] = [0, 0];
  const gone = jobs.map((job, i) => {
    const there = found[i];
    if (there) return left.get(there) === true;
    const isGone = others[next++] === true;
    if (isGone && isOver && job.state !== 'dead') unsure += 1;
    return isGone;
  });
  return { gone, unsure };
}

async function heldBy(queue: Queue, mover: Mover): Promise<JobRecord[]> {
  const held: JobRecord[] = [];
  for await (const { jobs } of queue.scan({ states: ['leased'] }))
    held.push(...jobs.filter(({ leasedBy }) => leasedBy === mover));
  return held;
}

const leasesOf = (jobs: readonly JobRecord[]): { lease: string }[] =>
  jobs.flatMap(({ lease }) => (lease === undefined ? [] : { lease }));

/**
 * Which of these jobs are gone from the store? One that is there in any state, or was taken and failed since, was not
 * removed.
 */
async function goneFrom(queue: Queue, jobs: readonly ImportRequest[]): Promise<boolean[]> {
  const found = await Promise.all(jobs.map(({ id }) => queue.find(id)));
  return jobs.map((job, i) => !(found[i] ?? []).some((there) => isSame(job, there)));
}

function isSame(job: ImportRequest, there: JobRecord): boolean {
  if (job.key !== undefined && job.key === there.key) return true;
  if (!there.id.equals(Buffer.from(job.id))) return false;
  // With another body it is a later job, or the job was edited since: then what the file has is nowhere else.
  if (!isBytes(there.topic, job.topic) || !isBytes(there.body, job.body)) return false;
  if (job.state === 'dead') return there.state === 'dead' && sameTime(job.failedAt, there.failedAt);
  return there.state !== 'dead' && sameTime(job.dueAt, there.dueAt);
}

const isBytes = (found: Bytes | undefined, given: TextOrBytes): boolean =>
  found?.equals(Buffer.from(given)) === true;

const sameTime = (a: Date | undefined, b: Date | undefined): boolean => a?.getTime() === b?.getTime();
