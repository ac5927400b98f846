import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Queue } from '../../../src/core/queue.js';
import type { CliGround, Outcome, Running, RunOptions } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { idsInQueue } from '../accounting.js';
import type { Measurement } from '../measure.js';

export const TOPIC = 'topic';
/** Enough retries that kills of workers make no dead letters. */
export const RETRIES = ['--retries', '100000', '--backoff', '100ms..1s'];

export const storeOf = (cli: CliGround): string =>
  cli.env.DELAYER_STORE?.startsWith('sqlite') === true ? 'SQLite' : 'Redis';

/** The whole lines of a file in the home of the commands. */
export function linesIn(cli: CliGround, name: string): string[] {
  const path = join(cli.home, name);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

/** The flag of a worker that prints an event for each job. */
export const TELLING = '--json';

/** Starts a worker that follows its topics until it is ended. */
export function startWorker(
  cli: CliGround,
  topics: readonly string[],
  exec: string,
  flags: readonly string[],
  options: RunOptions = {},
): Running {
  return cli.start(['drain', ...topics, '--follow', ...RETRIES, ...flags, '--exec', exec], options);
}

/** Runs a worker until the topics are empty. */
export async function workUntilEmpty(
  cli: CliGround,
  queue: Queue,
  topics: readonly string[],
  exec: string,
  flags: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const worker = startWorker(cli, topics, exec, flags, options);
  // A job that comes back between two pages of a list may be on neither, so the list must be empty twice.
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

/** What the events of workers say: which jobs were acked, and how often each was started. */
export class Ledger {
  private readonly begun = new Map<string, number>();
  private readonly acked = new Map<string, number>();
  private ackedTwice = 0;

  /** @param lines whole lines that a worker has printed */
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

  /** The number of jobs that were started or acked again after their ack was answered. */
  get doubled(): number {
    const again = [...this.acked].filter(([id, attempt]) => (this.begun.get(id) ?? 0) > attempt);
    return again.length + this.ackedTwice;
  }
}

/**
 * Counts jobs that are lost (neither in the store nor handled) or in two places, and checks that list and stats agree.
 * No worker may run meanwhile.
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

/** Gates that no job is lost or in two places. */
export async function expectBalance(
  measurement: Measurement,
  ...[queue, topic, jobs]: Parameters<typeof balance>
): Promise<void> {
  const { lost, twice } = await balance(queue, topic, jobs);
  measurement.none('jobs lost', lost);
  measurement.none('jobs in two places', twice);
}

/** Creates a file for which handlers wait. */
export function allow(cli: CliGround, name: string): void {
  appendFileSync(join(cli.home, name), '');
}
