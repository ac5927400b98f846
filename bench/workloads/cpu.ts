import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BareSqlite } from '../bare-sqlite.js';
import { BATCH, openRelease, type Release } from '../release.js';
import { type Bench, type Figure, inTurns, paired, ROOT, withRedis, type Workload } from '../support.js';

/** A folder in memory, on Linux. */
const MEMORY = '/dev/shm';
/** Jobs before the measurement, because V8 has not optimised the first calls. */
const WARM_UP = 3000;
/** Two releases differ by a few hundredths, which many short turns show even on a busy machine. */
const SHORTER_TURNS = 10;
const MORE_TURNS = 20;

/** Work of one side. Jobs that it pushes are drained afterwards, and jobs that it takes are pushed before. */
interface Work {
  readonly what: string;
  readonly jobs: number;
  readonly pushes: boolean;
  readonly run: (side: Release, jobs: number) => Promise<unknown>;
}

const WORK: readonly Work[] = [
  { what: 'push, one by one', jobs: 1500, pushes: true, run: (side, jobs) => side.push(jobs) },
  { what: 'pop, one by one', jobs: 1500, pushes: false, run: (side, jobs) => side.pop(jobs) },
  {
    what: `push, ${BATCH} at a time`,
    jobs: 25_000,
    pushes: true,
    run: (side, jobs) => side.pushBatches(jobs),
  },
  { what: `drain, ${BATCH} at a time`, jobs: 25_000, pushes: false, run: (side) => side.drain() },
];

export const sqliteCpu: Workload = {
  name: 'sqlite-cpu',
  about:
    'processor time per job in the embedded store on a file in memory, compared with a bare loop or with --beside RELEASE',
  async run(bench) {
    const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'delayer-bench-'));
    const { besideRelease: other } = bench;
    const ours = await openRelease(ROOT, `sqlite:${join(folder, 'ours.db')}`);
    const file = join(folder, 'theirs.db');
    const theirs =
      other === undefined ? ofBare(new BareSqlite(file)) : await openRelease(other, `sqlite:${file}`);
    try {
      return await compareAll(bench, ours, theirs);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

export const redisCpu: Workload = {
  name: 'redis-cpu',
  about:
    'processor time per job of a client of Redis, compared with --beside RELEASE, or with itself, which shows the noise',
  run: (bench) =>
    withRedis(async ({ url }) => {
      const { besideRelease: other = ROOT } = bench;
      return compareAll(
        { ...bench, besideRelease: other },
        await openRelease(ROOT, url),
        await openRelease(other, `${url.split('?')[0]}?db=1`),
      );
    }),
};

async function compareAll(bench: Bench, ours: Release, theirs: Release): Promise<Figure[]> {
  try {
    for (const side of [ours, theirs])
      for (const work of WORK) await turn(side, work, bench.small ? BATCH : WARM_UP);
    const figures: Figure[] = [];
    for (const work of WORK) figures.push(await compare(bench, work, ours, theirs));
    return figures;
  } finally {
    await ours.close();
    await theirs.close();
  }
}

async function compare(bench: Bench, work: Work, ours: Release, theirs: Release): Promise<Figure> {
  const { besideRelease: other, rounds, small } = bench;
  const turns = other === undefined || small ? bench : { ...bench, rounds: rounds * MORE_TURNS };
  const jobs = small ? BATCH : work.jobs / (other === undefined ? 1 : SHORTER_TURNS);
  const run = (side: Release) => () => turn(side, work, jobs);
  const pairs = await inTurns(turns, work.what, run(ours), run(theirs));
  return paired(work.what, 'µs a job', pairs, other ?? 'bare loop');
}

/** @returns user and system time (µs) of this process per job */
async function turn(side: Release, { pushes, run }: Work, jobs: number): Promise<number> {
  if (!pushes) await side.pushBatches(jobs);
  const before = process.cpuUsage();
  await run(side, jobs);
  const { user, system } = process.cpuUsage(before);
  if (pushes) await side.drain();
  return (user + system) / jobs;
}

function ofBare(store: BareSqlite): Release {
  const each = (jobs: number, size: number, run: (n: number, count: number) => void) => {
    for (let n = 0; n < jobs; n += size) run(n, Math.min(size, jobs - n));
    return Promise.resolve();
  };
  return {
    push: (jobs) => each(jobs, 1, (n) => store.push(n, Date.now())),
    pushBatches: (jobs) => each(jobs, BATCH, (n, count) => store.pushMany(n, count, Date.now())),
    pop: (jobs) => each(jobs, 1, () => store.pop(1)),
    drain: () => {
      while (store.pop(BATCH) > 0);
      return Promise.resolve();
    },
    close: () => {
      store.close();
      return Promise.resolve();
    },
  };
}
