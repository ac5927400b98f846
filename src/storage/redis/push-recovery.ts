import type { DelayerError } from '../../core/errors.js';
import type { JobRecord } from '../../core/job.js';
import type { Due, NewJob } from '../../core/new-job.js';
import type { OnExisting, PushResult } from '../../core/results.js';
import type { PushParams } from '../../core/store.js';
import { monotonicMs } from '../../core/timer.js';

/** What the recovery asks of the store. */
export interface Recovery {
  /** Finds the job of an id; leased, waiting and dead ones do not matter, because they keep no other out. */
  readonly findQueued: (id: Buffer) => Promise<JobRecord | undefined>;
  /** The store's clock. */
  readonly now: () => Promise<Date>;
}

/** When a push may have been done (ms), by the store's clock. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** How far apart (ms) two times may be that count as the same: clocks are corrected. */
const TOLERANCE_MS = 1000;

/**
 * Finds out what became of a push whose answer was lost. A job that is there with the same content has arrived, or was
 * there before, if it is due at another time; of other jobs, and of replacements, it is unknown. Nothing is pushed here.
 * @param sentAtMs when the push began, on the monotonic clock
 * @throws DelayerError `lost` when the store cannot be asked
 */
export async function findWhatArrived(
  { findQueued, now }: Recovery,
  { jobs, onExisting }: PushParams,
  sentAtMs: number,
  lost: DelayerError,
): Promise<PushResult[]> {
  try {
    // Only the first job, until Redis answers: while Redis is away or loads, each request is repeated, and a
    // restarted Redis has forgotten the script, whose text would be sent for each job.
    const look = ({ id }: NewJob) => findQueued(id);
    const first = await Promise.all(jobs.slice(0, 1).map(look));
    const found = [...first, ...(await Promise.all(jobs.slice(1).map(look)))];
    const to = (await now()).getTime();
    const span = { from: to - (monotonicMs() - sentAtMs), to };
    return jobs.map((job, i) => resultOf(job, found[i], onExisting, span));
  } catch {
    throw lost;
  }
}

function resultOf(
  { topic, body, due }: NewJob,
  found: JobRecord | undefined,
  onExisting: OnExisting,
  span: Span,
): PushResult {
  if (onExisting === 'replace') return { outcome: 'unknown' };
  // An expired job keeps no other out either.
  const living = found !== undefined && found.state !== 'expired' ? found : undefined;
  if (living?.topic?.equals(topic) === true && living.body?.equals(body) === true)
    return { outcome: isDueAsPushed(due, living.dueAt, span) ? 'pushed' : 'repeated', dueAt: living.dueAt };
  // Other content does not prove a conflict: the job may have been pushed and popped, and then its id pushed again
  // by somebody else. But with `keep`, any job of that id will do.
  return { outcome: onExisting === 'keep' && living !== undefined ? 'kept' : 'unknown' };
}

/** Could a job that was pushed within this time be due then? */
function isDueAsPushed(due: Due, dueAt: Date | undefined, { from, to }: Span): boolean {
  if (dueAt === undefined) return true;
  const dueIfPushedAt = (ms: number) => ('delayMs' in due ? ms + due.delayMs : Math.max(ms, due.atMs));
  const earliest = dueIfPushedAt(from) - TOLERANCE_MS;
  return dueAt.getTime() >= earliest && dueAt.getTime() <= dueIfPushedAt(to) + TOLERANCE_MS;
}
