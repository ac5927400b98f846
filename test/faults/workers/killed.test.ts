import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliGround, forEachStore, type Running } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { must } from '../../support/jobs.js';
import { numbered, pushAll } from '../accounting.js';
import {
  expectBalance,
  Ledger,
  linesIn,
  startWorker,
  storeOf,
  TELLING,
  TOPIC,
  workUntilEmpty,
} from './ground.js';
import { Measurement, SIZE } from '../measure.js';

/** Workers are killed in pairs, and the jobs are counted after every 20 kills. */
const PAIR = 2;
const LOOK_EVERY = 20;

const JOBS_AT_ONCE = 3;
const BATCH = 250;
const BATCHES_AT_ONCE = 2;
/**
 * The most jobs that a worker has leased when it is killed: those of running handlers, and as many again that are
 * leased ahead while handlers of one job are short. Batches are not leased ahead. Acks on their way do not add to it:
 * each is sent before the reserve that takes its place (worker/handlers), on the same connection, so that Redis ends
 * those leases first. Only the first ack after the start of Redis, which sends the text of the script, comes later;
 * here batches are acked long before the first kill.
 */
const IN_HAND = { jobs: 2 * JOBS_AT_ONCE, batches: BATCHES_AT_ONCE * BATCH } as const;

interface Load {
  readonly measurement: Measurement;
  readonly kills: number;
  /** The number of jobs to push during all kills. */
  readonly jobs: number;
  readonly exec: string;
  readonly flags: readonly string[];
  /** Waits for the time of a kill. */
  readonly untilKill: (worker: Running, kill: number) => Promise<unknown>;
  /** The ids of handled jobs, each as often as it was handled. */
  readonly handled: () => string[];
  /** Collects the events of the workers. */
  readonly ledger?: Ledger;
}

/** Kills pairs of workers while jobs are pushed, and then lets a worker do the rest; counts the jobs regularly. */
async function killUnderLoad(cli: CliGround, load: Load): Promise<void> {
  const { measurement, kills, jobs, exec, flags, untilKill, handled, ledger } = load;
  const queue = await cli.queue();
  const pushed = new Set<string>();
  const count = () => expectBalance(measurement, queue, TOPIC, { pushed, handled: new Set(handled()) });
  for (let kill = 0; kill < kills; kill += PAIR) {
    const ids = numbered(Math.ceil((jobs * PAIR) / kills), pushed.size);
    const pushing = pushAll(queue, TOPIC, ids);
    const workers = numbered(PAIR).map(() => startWorker(cli, [TOPIC], exec, flags));
    await untilKill(must(workers[kill % 4 === 0 ? 0 : 1]), kill);
    for (const { stdout } of await Promise.all(workers.map((one) => one.end('SIGKILL'))))
      ledger?.add(stdout.toString().split('\n').slice(0, -1));
    await pushing;
    for (const id of ids) pushed.add(id);
    measurement.add('kills', PAIR);
    if (kill % LOOK_EVERY === 0) await count();
  }
  const { stdout } = await workUntilEmpty(cli, queue, [TOPIC], exec, flags);
  ledger?.add(stdout.toString().split('\n').slice(0, -1));
  await count();
  measurement.add('jobs', pushed.size);
}

describe('workers that are killed with -9 under load', () => {
  forEachStore((cli) => {
    it('lose no job, and at most the jobs that each had leased are delivered again', async () => {
      const measurement = new Measurement('worker killed -9', storeOf(cli));
      const ledger = new Ledger();
      const { kills, jobs } = SIZE;
      await killUnderLoad(cli, {
        ...{ measurement, kills, jobs, ledger },
        exec: 'cat >/dev/null; sleep 0.02; echo "$DELAYER_ID" >>handled',
        flags: ['--jobs', `${JOBS_AT_ONCE}`, '--lease', '1s', TELLING],
        // After the first to the seventh event of a worker.
        untilKill: (worker, kill) => worker.printed(1 + ((kill * 5) % 7)),
        handled: () => linesIn(cli, 'handled'),
      });
      const { redelivered, doubled } = ledger;
      measurement.atMost('redelivered', (measurement.counts.kills ?? 0) * IN_HAND.jobs, redelivered);
      measurement.none('handled again after the answer to their ack', doubled);
      measurement.end();
    });

    it('lose no job of their batches, and at most the batches that each had leased are delivered again', async () => {
      const measurement = new Measurement('worker with batches killed -9', storeOf(cli));
      const { batchKills: kills, batchJobs: jobs } = SIZE;
      const folder = join(cli.home, 'batches');
      mkdirSync(folder);
      const batches = () => readdirSync(folder);
      let seen = 0;
      const attempts = new Attempts(jobs + kills);
      await killUnderLoad(cli, {
        ...{ measurement, kills, jobs },
        // One file per batch; a line that was cut off with its handler does not count.
        exec: `cat >"$(mktemp batches/XXXXXXXXXX)"`,
        flags: [...['--jobs', `${BATCHES_AT_ONCE}`, '--batch-size', `${BATCH}`, '--lease', '3s']],
        untilKill: async () => {
          const most = Math.max(1, Math.floor((jobs * PAIR) / kills / BATCH) - 2 * PAIR);
          await eventually(() => batches().length >= seen + most, { withinMs: 300_000 });
          seen = batches().length;
        },
        handled: () => {
          attempts.read(folder, batches());
          return attempts.handled;
        },
      });
      const most = (measurement.counts.kills ?? 0) * IN_HAND.batches;
      measurement.atMost('redelivered', most, attempts.redelivered);
      measurement.end();
    });
  });
});

/** Counts how often each job of a batch was started, by its number. */
class Attempts {
  private readonly last: Uint32Array;
  private readonly files = new Set<string>();
  readonly handled: string[] = [];

  constructor(jobs: number) {
    this.last = new Uint32Array(jobs);
  }

  /** Reads new files of batches. No handler may be writing. */
  read(folder: string, names: readonly string[]): void {
    for (const name of names.filter((one) => !this.files.has(one))) {
      this.files.add(name);
      for (const line of readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)) {
        const { id, attempts } = JSON.parse(line) as { id: string; attempts: number };
        const number = Number(id);
        if (this.last[number] === 0) this.handled.push(id);
        this.last[number] = Math.max(this.last[number] ?? 0, attempts);
      }
    }
  }

  get redelivered(): number {
    return this.last.reduce((sum, attempts) => sum + Math.max(0, attempts - 1), 0);
  }
}
