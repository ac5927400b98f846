import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { removing } from '../bulk/acts.js';
import { exportEnd, moveHead } from '../bulk/job-file.js';
import { goneFrom } from '../bulk/moved-before.js';
import { countSelected, sweep } from '../bulk/sweep.js';
import { DelayerError } from '../core/errors.js';
import { jobCount, type JobRecord, type JobState } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { toJsonLine } from '../output/json.js';
import { MovedFile } from '../output/moved-file.js';
import { writeStdout } from '../output/stdout.js';
import { readMoved } from './input/moved-lines.js';
import type { Selected } from './selection-flags.js';
import { describeCounts, totalOf } from './selection-report.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';
import { tellOfFailed } from './where.js';

export interface MoveOptions {
  readonly file: string;
  readonly json: boolean;
  /** Ends it after the jobs in hand; the same move again goes on from there. */
  readonly signal: AbortSignal;
}

interface Move {
  readonly file: MovedFile;
  readonly counts: Partial<Record<JobState, number>>;
}

/**
 * `export --move`: moves jobs from a store to a file. Each step is on the disk before its jobs leave the store, so a
 * process that is killed leaves each job in one of them, or for its last step in both.
 * @returns the exit code: 1 when there is no such job
 */
export async function runMove(queue: Queue, through: Selected, options: MoveOptions): Promise<number> {
  const { file: path, json, signal } = options;
  const lock = await lockMove(path);
  try {
    const { file, counts } = await openMove(queue, path);
    let isFinished = false;
    try {
      await moveAll(queue, wholeJobs(through), { file, counts }, signal);
      tellOfFailed(through.where);
      const isWhole = !signal.aborted && totalOf(counts) > 0;
      if (isWhole) await file.finish(exportEnd(totalOf(counts), counts));
      isFinished = isWhole;
    } finally {
      if (!isFinished && file.leave())
        printNote(`the move to ${path} is unfinished (${jobCount(totalOf(counts))}): run it again`);
    }
    const left = totalOf((await countSelected(queue, through)).counts);
    if (json)
      await writeStdout(`${toJsonLine({ moved: totalOf(counts), byState: counts, left, isFinished })}\n`);
    else tell(counts, left, path);
    return totalOf(counts) > 0 ? 0 : 1;
  } finally {
    lock?.close();
  }
}

function tell(counts: Move['counts'], left: number, path: string): void {
  if (totalOf(counts) === 0) printNote('there is no such job');
  else printInfo(`${describeCounts(counts)} moved to ${path}`);
  if (left > 0)
    printNote(`${jobCount(left)} of the selection ${left === 1 ? 'is' : 'are'} in the store still`);
}

/** A job whose body is gone would be lost. */
function wholeJobs(through: Selected): Selected {
  const isWhole = ({ body, topic }: JobRecord) => body !== undefined && topic !== undefined;
  return { ...through, matches: async (job) => isWhole(job) && ((await through.matches?.(job)) ?? true) };
}

async function moveAll(queue: Queue, through: Selected, { file, counts }: Move, signal: AbortSignal) {
  const progress = new ProgressLine();
  try {
    for await (const { jobs, outcomes, problems } of sweep(queue, through, removing(queue, file), {
      signal,
    })) {
      for (const [i, { state }] of jobs.entries())
        if (outcomes[i] === 'done') counts[state] = (counts[state] ?? 0) + 1;
      for (const { message } of problems) {
        progress.clear();
        printNote(`not all jobs can be looked at: ${message}`);
      }
      progress.draw(() => `${describeCounts(counts)} moved`);
    }
  } finally {
    progress.clear();
  }
}

/** Begins a file, or goes on with one that is unfinished. */
async function openMove(queue: Queue, path: string): Promise<Move> {
  if (!existsSync(path))
    return { file: await MovedFile.create(path, moveHead(queue.label, await queue.now())), counts: {} };
  const { size, counts, unknown, isTorn } = await readMoved(path, queue.label);
  const gone = isTorn ? unknown.map(() => false) : await goneFrom(queue, unknown);
  const file = MovedFile.reopen(path, size);
  if (unknown.length > 0) await file.confirm(gone);
  for (const [i, { state = 'delayed' }] of unknown.entries())
    if (gone[i] === true) counts[state] = (counts[state] ?? 0) + 1;
  return { file, counts };
}

/**
 * Two processes that move to one file would each confirm what the other has written. The kernel frees such a name when
 * its process ends, however it ends. It is known on Linux alone.
 */
async function lockMove(path: string): Promise<Server | undefined> {
  if (process.platform !== 'linux') return undefined;
  const folder = dirname(resolve(path));
  const place = join(existsSync(folder) ? realpathSync(folder) : folder, basename(path));
  const name = createHash('sha256').update(place).digest('hex').slice(0, 32);
  const server = createServer();
  await new Promise<void>((listening, reject) => {
    server.once('error', () => {
      reject(
        new DelayerError('usage', `another process moves jobs to ${path}`, { hint: 'Wait for its end.' }),
      );
    });
    server.listen({ path: `\0delayer-move-${name}` }, listening);
  });
  return server.unref();
}
