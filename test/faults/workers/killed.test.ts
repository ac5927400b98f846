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

/** Two workers at once are killed together, and the jobs are counted after so many kills at most. */
const PAIR = 2;
const LOOK_EVERY = 20;

const JOBS_AT_ONCE = 3;
const BATCH = 250;
const BATCHES_AT_ONCE = 2;
/**
 * Jobs that a worker holds leases of, at most, when it is killed: those in its calls, and as many again that are leased
 * ahead while calls of one job each are short. Batches are not leased ahead. Acks on their way add nothing: each is sent
 * on the same connection before the reserve that fills its place (worker/handlers), so Redis has ended those leases
 * when it grants the next. Only the first ack in the life of a Redis, whose text has to be sent, comes after it; here
 * batches are acknowledged long before the first kill.
 */
const IN_HAND = { jobs: 2 * JOBS_AT_ONCE, batches: BATCHES_AT_ONCE * BATCH } as const;

interface Load {
  readonly measurement: Measurement;
  readonly kills: number;
  /** Jobs to push, over all kills. */
  readonly jobs: number;
  readonly exec: string;
  readonly flags: readonly string[];
  /** Waits until a worker is to be killed. */
  readonly untilKill: (worker: Running, kill: number) => Promise<unknown>;
  /** Ids of jobs that a handler has done, as often as it has. */
  readonly handled: () => string[];
  /** Where the workers tell of their jobs. */
  readonly ledger?: Ledger;
}

/** Kills pairs of workers while jobs are pushed, and lets the rest be done; the jobs are counted now and then. */
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
    it('lose no job, and deliver again at most what each had in hand', async () => {
      const measurement = new Measurement('worker killed -9', storeOf(cli));
      const ledger = new Ledger();
      const { kills, jobs } = SIZE;
      await killUnderLoad(cli, {
        ...{ measurement, kills, jobs, ledger },
        exec: 'cat >/dev/null; sleep 0.02; echo "$DELAYER_ID" >>handled',
        flags: ['--jobs', `${JOBS_AT_ONCE}`, '--lease', '1s', TELLING],
        // At any moment: after its first to its seventh event.
        untilKill: (worker, kill) => worker.printed(1 + ((kill * 5) % 7)),
        handled: () => linesIn(cli, 'handled'),
      });
      const { redelivered, doubled } = ledger;
      measurement.atMost('redelivered', (measurement.counts.kills ?? 0) * IN_HAND.jobs, redelivered);
      measurement.none('handled again after the answer to their ack', doubled);
      measurement.end();
    });

    it('lose no job of their batches, and deliver again at most the batches that each had in hand', async () => {
      const measurement = new Measurement('worker with batches killed -9', storeOf(cli));
      const { batchKills: kills, batchJobs: jobs } = SIZE;
      const folder = join(cli.home, 'batches');
      mkdirSync(folder);
      const batches = () => readdirSync(folder);
      let seen = 0;
      const attempts = new Attempts(jobs + kills);
      await killUnderLoad(cli, {
        ...{ measurement, kills, jobs },
        // A file a batch: what was cut off with its handler is no line.
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

/** How often each job of a batch was begun, by its number. */
class Attempts {
  private readonly last: Uint32Array;
  private readonly files = new Set<string>();
  readonly handled: string[] = [];

  constructor(jobs: number) {
    this.last = new Uint32Array(jobs);
  }

  /** Reads the batches that it has not read yet. No handler may be writing. */
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
