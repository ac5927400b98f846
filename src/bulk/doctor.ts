import {
  type Fault,
  FaultCounter,
  type FaultKind,
  type Finding,
  type Remedy,
  ruleOf,
} from '../core/faults.js';
import type { JobRecord } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { type AbortSignalLike, sleep } from '../core/timer.js';
import { type Archive, removing } from './acts.js';

/** Faults that one call mends. */
const CHUNK = 250;
/**
 * Mending may reveal other faults, or move entries that the walk has not reached yet, so there is more than one
 * pass; further passes find nothing.
 */
const MOST_PASSES = 5;
/**
 * When maintenance found nothing to do this many times in a row, it has done all. It sweeps its lists in turn, so a
 * single time is not enough.
 */
const IDLE_STEPS = 3;
const MOST_STEPS = 100_000;

export interface Examination {
  /** Faults of other topics are left out; those of the store stay. */
  readonly topics?: readonly Buffer[] | undefined;
  readonly onProgress?: ((lookedAt: number, total: number) => void) | undefined;
}

/** Looks for all that is wrong with a store. It changes nothing. */
export async function examine(queue: Queue, { topics, onProgress }: Examination): Promise<Finding[]> {
  const counter = new FaultCounter();
  let lookedAt = 0;
  for await (const part of queue.diagnose({ topics })) {
    counter.addPart(part);
    lookedAt += part.lookedAt;
    onProgress?.(lookedAt, Math.max(lookedAt, part.total));
  }
  return counter.findings();
}

export interface Treatment extends Examination {
  /** What was found; nothing else is mended. */
  readonly findings: readonly Finding[];
  /**
   * Opens the archive in which jobs are kept before they are removed. It is called when the first is removed.
   */
  readonly archive: () => Archive | undefined;
  /** Ends it after the step in hand. */
  readonly signal?: AbortSignalLike | undefined;
}

export const isMendable = ({ kind }: { readonly kind: FaultKind }): boolean =>
  ruleOf(kind).remedy !== undefined;

/**
 * Mends what a program can. Each step first checks that the fault is still there.
 * @returns how many of each kind were mended; faults that maintenance mends are not counted
 */
export async function treat(queue: Queue, treatment: Treatment): Promise<Map<FaultKind, number>> {
  const mended = new Map<FaultKind, number>();
  const kinds = new Set(treatment.findings.filter(isMendable).map(({ kind }) => kind));
  const byRemedy = (remedy: Remedy) => [...kinds].filter((kind) => ruleOf(kind).remedy === remedy);
  const inPasses = new Set([...byRemedy('mend'), ...byRemedy('remove')]);
  for (let pass = 0; pass < MOST_PASSES && inPasses.size > 0; pass += 1) {
    if ((await treatOnce(queue, treatment, inPasses, mended)) === 0) break;
  }
  // Maintenance may have to bring back what was mended.
  if (byRemedy('maintain').length > 0 || mended.size > 0) await maintainAll(queue, treatment.signal);
  return mended;
}

async function treatOnce(
  queue: Queue,
  treatment: Treatment,
  kinds: ReadonlySet<FaultKind>,
  mended: Map<FaultKind, number>,
): Promise<number> {
  const { topics, onProgress, signal } = treatment;
  let [lookedAt, done] = [0, 0];
  for await (const part of queue.diagnose({ topics })) {
    if (signal?.aborted === true) break;
    const faults = part.faults.filter(({ kind }) => kinds.has(kind));
    for (let first = 0; first < faults.length; first += CHUNK) {
      const chunk = faults.slice(first, first + CHUNK);
      const outcomes = await apply(queue, chunk, treatment);
      for (const [i, { kind, count = 1 }] of chunk.entries()) {
        if (outcomes[i] !== true) continue;
        mended.set(kind, (mended.get(kind) ?? 0) + count);
        done += 1;
      }
    }
    lookedAt += part.lookedAt;
    onProgress?.(lookedAt, Math.max(lookedAt, part.total));
  }
  return done;
}

/** @returns for each fault, in order, whether it was mended */
async function apply(queue: Queue, faults: readonly Fault[], treatment: Treatment): Promise<boolean[]> {
  const outcomes = new Map<Fault, boolean>();
  const of = (remedy: Remedy) => faults.filter(({ kind }) => ruleOf(kind).remedy === remedy);
  const told = (some: readonly Fault[], done: readonly boolean[]) => {
    for (const [i, fault] of some.entries()) outcomes.set(fault, done[i] === true);
  };
  const [mendable, removable] = [of('mend'), of('remove')];
  if (mendable.length > 0) told(mendable, await queue.mend(mendable));
  if (removable.length > 0) told(removable, await removeExpired(queue, removable, treatment));
  return faults.map((fault) => outcomes.get(fault) === true);
}

/** Removes jobs that will never be delivered, if that is still so, and keeps what is left of them. */
async function removeExpired(
  queue: Queue,
  faults: readonly Fault[],
  { archive }: Treatment,
): Promise<boolean[]> {
  const found = await Promise.all(faults.map(async ({ id }) => (id ? queue.find(id) : [])));
  const expired = found.map((jobs) => jobs.find(({ state }) => state === 'expired'));
  const jobs = expired.filter((job): job is JobRecord => job !== undefined);
  // A job without a body cannot be kept, and cannot be restored.
  const [whole, rest] = [jobs.filter(({ body }) => body), jobs.filter(({ body }) => !body)];
  const done = new Map<JobRecord, boolean>();
  for (const [some, kept] of [
    [whole, whole.length > 0 ? archive() : undefined],
    [rest, undefined],
  ] as const) {
    if (some.length === 0) continue;
    const outcomes = await removing(queue, kept)(some);
    for (const [i, job] of some.entries()) done.set(job, outcomes[i] === 'done');
  }
  return expired.map((job) => job !== undefined && done.get(job) === true);
}

async function maintainAll(queue: Queue, signal: AbortSignalLike | undefined): Promise<void> {
  for (let idle = 0, step = 0; idle < IDLE_STEPS && step < MOST_STEPS; step += 1) {
    if (signal?.aborted === true) return;
    const { more } = await queue.maintain();
    idle = more ? 0 : idle + 1;
    if (!more) await sleep(1, signal);
  }
}
