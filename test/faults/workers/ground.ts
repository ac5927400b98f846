import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Queue } from '../../../src/core/queue.js';
import type { CliGround, Outcome, Running, RunOptions } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { idsInQueue } from '../accounting.js';
import type { Measurement } from '../measure.js';

export const TOPIC = 'topic';
/** No job of these tests is to die of the kills of its workers. */
export const RETRIES = ['--retries', '100000', '--backoff', '100ms..1s'];

export const storeOf = (cli: CliGround): string =>
  cli.env.DELAYER_STORE?.startsWith('sqlite') === true ? 'SQLite' : 'Redis';

/** The lines of a file below the home of the commands; a last one that is cut off is none. */
export function linesIn(cli: CliGround, name: string): string[] {
  const path = join(cli.home, name);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

/** Of a worker that tells what becomes of each job. */
export const TELLING = '--json';

/** Starts a worker that waits for more jobs until it is ended. */
export function startWorker(
  cli: CliGround,
  topics: readonly string[],
  exec: string,
  flags: readonly string[],
  options: RunOptions = {},
): Running {
  return cli.start(['drain', ...topics, '--follow', ...RETRIES, ...flags, '--exec', exec], options);
}

/** A worker that goes on until the topics are empty, and is told to end then. */
export async function workUntilEmpty(
  cli: CliGround,
  queue: Queue,
  topics: readonly string[],
  exec: string,
  flags: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const worker = startWorker(cli, topics, exec, flags, options);
  // A job that goes back from a worker to the pool between two pages of a list is on neither: one look is not enough.
  let looks = 0;
  const isEmpty = async () => {
    const ids = await Promise.all(topics.map((topic) => idsInQueue(queue, topic)));
    looks = ids.flat().length === 0 ? looks + 1 : 0;
    return looks === 2 || worker.child.exitCode !== null;
  };
  await eventually(isEmpty, { withinMs: 600_000, everyMs: 100 });
  if (worker.child.exitCode !== null) throw new Error(`it ended: ${worker.stderr}`);
  return worker.end();
}

interface WorkerEvent {
  readonly event: string;
  readonly id: string;
  readonly attempt: number;
}

/** What workers have told of jobs: which were acknowledged, and how often each was begun. */
export class Ledger {
  private readonly begun = new Map<string, number>();
  private readonly acked = new Map<string, number>();
  private ackedTwice = 0;

  /** @param lines what a worker has printed, whole lines */
  add(lines: readonly string[]): void {
    for (const line of lines) {
      const { event, id, attempt } = JSON.parse(line) as WorkerEvent;
      if (event === 'started') this.begun.set(id, Math.max(this.begun.get(id) ?? 0, attempt));
      if (event !== 'done') continue;
      if (this.acked.has(id)) this.ackedTwice += 1;
      this.acked.set(id, attempt);
    }
  }

  /** Attempts beyond the first. */
  get redelivered(): number {
    return [...this.begun.values()].reduce((sum, attempt) => sum + attempt - 1, 0);
  }

  /** Jobs that were begun again, or acknowledged again, after their ack had been answered. */
  get doubled(): number {
    const again = [...this.acked].filter(([id, attempt]) => (this.begun.get(id) ?? 0) > attempt);
    return again.length + this.ackedTwice;
  }
}

/**
 * pushed = handled and gone + what the store counts by state: each job is in one place at most, and one that is in none
 * was handled. Nobody may work meanwhile.
 */
export async function balance(
  queue: Queue,
  topic: string,
  jobs: { readonly pushed: ReadonlySet<string>; readonly handled: ReadonlySet<string> },
): Promise<{ readonly lost: number; readonly twice: number }> {
  const there = await idsInQueue(queue, topic);
  const counted = (await queue.stats({ exact: true })).topics.find((one) => one.topic.toString() === topic);
  const { delayed = 0, due = 0, ready = 0, leased = 0, expired = 0, dead = 0 } = counted ?? {};
  const sum = delayed + due + ready + leased + expired + dead;
  if (sum !== there.length) throw new Error(`${there.length} jobs are listed, and ${sum} are counted`);
  const places = new Set(there);
  const lost = [...jobs.pushed].filter((id) => !places.has(id) && !jobs.handled.has(id));
  return { lost: lost.length, twice: there.length - places.size };
}

/** The same, as gates that every fault has. */
export async function expectBalance(
  measurement: Measurement,
  ...[queue, topic, jobs]: Parameters<typeof balance>
): Promise<void> {
  const { lost, twice } = await balance(queue, topic, jobs);
  measurement.none('jobs lost', lost);
  measurement.none('jobs in two places', twice);
}

/** Lets handlers that look for this file go on. */
export function allow(cli: CliGround, name: string): void {
  appendFileSync(join(cli.home, name), '');
}
