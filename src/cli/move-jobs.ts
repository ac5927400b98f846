import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { exportEnd, moveHead, moveHeld } from '../bulk/job-file.js';
import { endStep } from '../bulk/resume-move.js';
import { type Mover, moveOut, type MoveTarget } from '../bulk/move-out.js';
import { countSelected, sweep } from '../bulk/sweep.js';
import { jobCount, type JobRecord, type JobState } from '../core/job.js';
import { MOVE_HOLDER } from '../core/transfer.js';
import type { Queue } from '../core/queue.js';
import { toJsonLine } from '../output/json.js';
import { MovedFile } from '../output/moved-file.js';
import { OutputError, writeStdout } from '../output/stdout.js';
import { readMoved } from './input/moved-lines.js';
import { lockMove } from './move-lock.js';
import type { Selected } from './selection-flags.js';
import { describeCounts, totalOf } from './selection-report.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';
import { tellOfFailed } from './where.js';

/** Jobs of one step; while it runs, no consumer is given them. */
const HELD_AT_ONCE = 250;

export interface MoveOptions {
  readonly file: string;
  readonly json: boolean;
  /** Ends it after the jobs in hand; the same command goes on from there. */
  readonly signal: AbortSignal;
}

interface Move {
  readonly mover: Mover;
  readonly file: MovedFile;
  readonly counts: Partial<Record<JobState, number>>;
}

/**
 * `export --move`: moves jobs from a store to a file. In each step the store holds the jobs until they are on the
 * disk, and only then do they leave it. After a kill each job is in one of the two, or, in the last step, in both;
 * while the hold lasts no consumer is given these.
 * @returns the exit code: 1 when there is no such job
 */
export async function runMove(queue: Queue, through: Selected, options: MoveOptions): Promise<number> {
  const { file: path, json, signal } = options;
  const lock = await lockMove(path);
  // If the file cannot be gone on with, a lock that this run has made is of no use.
  let isOver = lock.isNew;
  try {
    const move = await openMove(queue, path);
    const { file, counts } = move;
    let isFinished = false;
    try {
      await moveAll(queue, wholeJobs(through), move, signal);
      tellOfFailed(through.where);
      const isWhole = !signal.aborted && totalOf(counts) > 0;
      if (isWhole) await file.finish(exportEnd(totalOf(counts), counts));
      isFinished = isWhole;
    } catch (error) {
      throw hinted(error, file.isNeeded(totalOf(counts)) ? keepHint(path) : NOTHING_MOVED);
    } finally {
      if (!isFinished && file.leave(totalOf(counts)))
        printNote(`the move to ${path} is unfinished (${jobCount(totalOf(counts))}): run it again`);
      isOver = isFinished || !existsSync(path);
    }
    const left = totalOf((await countSelected(queue, through)).counts);
    if (json) {
      const outcome = { moved: totalOf(counts), byState: counts, left, isFinished };
      await writeStdout(`${toJsonLine(outcome)}\n`).catch((error: unknown) => {
        throw hinted(error, `${describeCounts(counts)} moved to ${path}.`);
      });
    } else tell(counts, left, path);
    return totalOf(counts) > 0 ? 0 : 1;
  } finally {
    lock.release(isOver);
  }
}

/** What to do when the file cannot be written. */
const NOTHING_MOVED = 'No job was moved, and no file was left behind.';
const keepHint = (path: string): string =>
  `Keep ${path}: jobs that have left the queue are only there. Make room, then run it again to continue.`;

const hinted = (error: unknown, hint: string): unknown =>
  error instanceof OutputError ? error.withHint(hint) : error;

function tell(counts: Move['counts'], left: number, path: string): void {
  if (totalOf(counts) === 0) printNote('no job matches');
  else printInfo(`${describeCounts(counts)} moved to ${path}`);
  if (left > 0)
    printNote(`${jobCount(left)} of the selection ${left === 1 ? 'is' : 'are'} still in the store`);
}

/** A job whose body is gone would be lost. */
function wholeJobs(through: Selected): Selected {
  const isWhole = ({ body, topic }: JobRecord) => body !== undefined && topic !== undefined;
  return { ...through, matches: async (job) => isWhole(job) && ((await through.matches?.(job)) ?? true) };
}

const targetOf = (file: MovedFile): MoveTarget => ({
  start: () => file.start(),
  undo: () => file.undo(),
  begin: async (heldUntil) => {
    if (heldUntil) await file.tell(moveHeld(heldUntil));
  },
  keep: (jobs) => file.keep(jobs),
  confirm: (removed) => file.confirm(removed),
});

async function moveAll(queue: Queue, through: Selected, move: Move, signal: AbortSignal): Promise<void> {
  const { file, mover, counts } = move;
  const progress = new ProgressLine();
  try {
    const act = moveOut(queue, targetOf(file), mover);
    for await (const { jobs, outcomes, problems } of sweep(queue, through, act, {
      atOnce: HELD_AT_ONCE,
      signal,
    })) {
      for (const [i, { state }] of jobs.entries())
        if (outcomes[i] === 'done') counts[state] = (counts[state] ?? 0) + 1;
      for (const { message } of problems) {
        progress.clear();
        printNote(`not all jobs can be read: ${message}`);
      }
      progress.draw(() => `${describeCounts(counts)} moved`);
    }
  } finally {
    progress.clear();
  }
}

/** Begins a file, or goes on with one that is unfinished. */
async function openMove(queue: Queue, path: string): Promise<Move> {
  if (!existsSync(path)) {
    const id = randomBytes(6).toString('hex');
    const file = await MovedFile.create(path, moveHead(queue.label, await queue.now(), id));
    return { mover: `${MOVE_HOLDER}${id}`, file, counts: {} };
  }
  const { id, size, counts, unknown, isTorn, heldUntil } = await readMoved(path, queue.label);
  const mover: Mover = `${MOVE_HOLDER}${id}`;
  const { gone, unsure } = await endStep(queue, mover, { jobs: unknown, isWhole: !isTorn, heldUntil });
  const file = MovedFile.reopen(path, size);
  if (unknown.length > 0)
    await file.confirm(gone).catch((error: unknown) => {
      throw hinted(error, keepHint(path));
    });
  for (const [i, { state = 'delayed' }] of unknown.entries())
    if (gone[i] === true) counts[state] = (counts[state] ?? 0) + 1;
  if (unsure > 0 && heldUntil) tellUnsure(unsure, heldUntil, path);
  return { mover, file, counts };
}

function tellUnsure(count: number, heldUntil: Date, path: string): void {
  const [are, them] = count === 1 ? ['is', 'it'] : ['are', 'them'];
  printNote(
    `${jobCount(count)} of the interrupted step ${are} in ${path}, and may have been delivered from the store since ${heldUntil.toISOString()}, when its hold on ${them} ended`,
  );
}
