import type { JobRecord, JobState } from '../core/job.js';
import { type MOVE_HOLDER, MOVE_HOLD_MS } from '../core/transfer.js';
import type { Queue } from '../core/queue.js';
import { asSeen, removing, type Archive } from './acts.js';
import type { Act } from './sweep.js';

/** The name of a move: views of the store show it as the holder of the jobs that are being moved. */
export type Mover = `${typeof MOVE_HOLDER}${string}`;

/** Where jobs are moved to. */
export interface MoveTarget extends Archive {
  /**
   * Is called before jobs are held for a step. Until the step has ended or {@link MoveTarget.undo} is called, only the
   * target knows by what name the store may hold jobs.
   */
  start(): void;
  /** Nothing came of the step: the store holds no jobs of it, and none has left it. */
  undo(): void;
  /**
   * Is called when jobs are held, with the time until which the store holds the jobs that are kept next; rejects as `keep` does.
   */
  begin(heldUntil: Date | undefined): Promise<void>;
}

const HELD: readonly JobState[] = ['delayed', 'due', 'ready'];
const isToBeHeld = ({ state }: JobRecord): boolean => HELD.includes(state);

/**
 * Moves jobs that are still as they were seen. The store holds them first, so that no consumer takes what is in the
 * target already; then they are kept in the target, and then they leave the store. Dead letters are not held,
 * because no consumer takes them.
 */
export function moveOut(queue: Queue, target: MoveTarget, mover: Mover): Act {
  return async (jobs) => {
    target.start();
    const held = await holdEach(queue, jobs, mover);
    const isOurs = (job: JobRecord) => !isToBeHeld(job) || held.leases.has(job);
    const ours = jobs.filter(isOurs);
    if (ours.length === 0) {
      target.undo();
      return jobs.map(() => 'changed');
    }
    try {
      await target.begin(held.until);
      await target.keep(ours);
    } catch (error) {
      // The target drops the jobs of an unfinished step.
      await queue.release([...held.leases.values()]).then(
        () => target.undo(),
        () => undefined,
      );
      throw error;
    }
    const gone = await takeAway(queue, ours, held.leases);
    await target.confirm(ours.map((job) => gone.has(job)));
    return jobs.map((job) => (gone.has(job) ? 'done' : 'changed'));
  };
}

interface Held {
  /** Of the jobs that are held. */
  readonly leases: ReadonlyMap<JobRecord, { readonly lease: string }>;
  /** The earliest end of their leases. */
  readonly until: Date | undefined;
}

async function holdEach(queue: Queue, jobs: readonly JobRecord[], holder: Mover): Promise<Held> {
  const wanted = jobs.filter(isToBeHeld);
  const requests = wanted.map((job) => ({
    ...{ ...asSeen(job), states: [job.state], isWaiting: job.isWaiting ?? false },
  }));
  const results = await queue.hold(requests, { leaseMs: MOVE_HOLD_MS, holder });
  const leases = new Map<JobRecord, { lease: string }>();
  let until: Date | undefined;
  for (const [i, job] of wanted.entries()) {
    const { lease, leaseUntil } = results[i] ?? {};
    if (lease === undefined) continue;
    leases.set(job, { lease });
    if (leaseUntil && (!until || leaseUntil < until)) until = leaseUntil;
  }
  return { leases, until };
}

/** @returns those that have left the store */
async function takeAway(
  queue: Queue,
  jobs: readonly JobRecord[],
  leases: Held['leases'],
): Promise<Set<JobRecord>> {
  const held = jobs.filter((job) => leases.has(job));
  const others = jobs.filter((job) => !leases.has(job));
  const ended = await queue.ack(held.flatMap((job) => leases.get(job) ?? []));
  const removed = await removing(queue)(others);
  return new Set([
    ...held.filter((_, i) => ended[i] === true),
    ...others.filter((_, i) => removed[i] === 'done'),
  ]);
}
