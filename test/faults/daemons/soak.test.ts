import { expect } from 'chai';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from '../../../src/core/queue.js';
import { type CliGround, type Running, type StoreName, useCli } from '../../support/cli.js';
import { eventually } from '../../support/eventually.js';
import { useRedis } from '../../support/redis.js';
import { idsInQueue } from '../accounting.js';
import { IS_LONG, Measurement, SIZE } from '../measure.js';
import { field, processes } from '../processes.js';

const TOPICS = ['orders', 'mails', 'refunds'] as const;
const PUSH_EVERY_MS = 100;
const JOBS_A_PUSH = 50;
/** The longest delay of a job; after it the number of delayed jobs is constant. */
const LONGEST_DELAY_MS = SIZE.soakMs / 20;
const LOOKS = 40;

/** Figures that must not grow from the first half of a soak to the second. */
type Look = Readonly<Record<string, number>>;

/** Memory (MB), descriptors, threads and zombie children of a process. */
function lookAt(name: string, { pid }: Running): Look {
  const zombies = processes().filter(
    (one) => field(one, 'PPid') === `${pid}` && field(one, 'State')?.[0] === 'Z',
  );
  return {
    [`${name} MB`]: parseInt(field(pid, 'VmRSS') ?? '0', 10) / 1024,
    [`${name} descriptors`]: readdirSync(`/proc/${pid}/fd`).length,
    [`${name} threads`]: Number(field(pid, 'Threads')),
    [`${name} zombies`]: zombies.length,
  };
}

/** Reads the jobs that a consumer prints, and counts those that come twice or early. */
class Deliveries {
  readonly seen = new Set<string>();
  readonly lateMs: number[] = [];
  twice = 0;
  early = 0;
  private rest = '';

  constructor(consumer: Running) {
    consumer.child.stdout?.on('data', (chunk: Buffer) => {
      const now = Date.now();
      const lines = (this.rest + chunk.toString()).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) this.take(JSON.parse(line) as { id: string; dueAt: string }, now);
    });
  }

  private take({ id, dueAt }: { readonly id: string; readonly dueAt: string }, now: number): void {
    if (this.seen.has(id)) this.twice += 1;
    this.seen.add(id);
    const lateMs = now - Date.parse(dueAt);
    if (lateMs < 0) this.early += 1;
    this.lateMs.push(lateMs);
  }
}

/** Pushes 500 jobs a second for the length of the soak; returns how many. */
async function produce(queue: Queue): Promise<number> {
  const sinceMs = performance.now();
  let pushed = 0;
  while (performance.now() - sinceMs < SIZE.soakMs) {
    const wanted = (performance.now() - sinceMs) / PUSH_EVERY_MS;
    if (pushed / JOBS_A_PUSH <= wanted) {
      const from = pushed;
      const jobs = Array.from({ length: JOBS_A_PUSH }, (_, i) => ({
        id: `${from + i}`,
        topic: TOPICS[i % TOPICS.length] ?? '',
        body: `{"order":${from + i}}`,
        delayMs: Math.floor(Math.random() * LONGEST_DELAY_MS),
      }));
      await queue.pushMany(jobs);
      pushed += JOBS_A_PUSH;
    } else await sleep(PUSH_EVERY_MS / 10);
  }
  return pushed;
}

/** Takes figures at regular intervals, once the number of delayed jobs is constant. */
async function lookOn(look: () => Promise<Look>): Promise<Look[]> {
  const looks: Look[] = [];
  await sleep(2 * LONGEST_DELAY_MS);
  for (let n = 0; n < LOOKS; n += 1) {
    looks.push(await look());
    await sleep((SIZE.soakMs - 3 * LONGEST_DELAY_MS) / LOOKS);
  }
  return looks;
}

const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** Gates the growth of each figure from the first half to the second; the short form is too short for that. */
function gateGrowth(measured: Measurement, looks: readonly Look[]): void {
  for (const name of Object.keys(looks[0] ?? {})) {
    const values = looks.map((look) => look[name] ?? 0);
    const [before, after] = [median(values.slice(0, LOOKS / 2)), median(values.slice(LOOKS / 2))];
    const slack = name.endsWith('MB') ? Math.max(5, before * 0.1) : Math.max(2, before * 0.1);
    measured.add(`${name} before`, Math.round(before));
    measured.add(`${name} after`, Math.round(after));
    if (IS_LONG) measured.atMost(`more ${name}`, Math.round(slack), Math.max(0, Math.round(after - before)));
  }
}

async function soak(store: StoreName, cli: CliGround, lookAtStore: () => Promise<Look>): Promise<void> {
  const measured = new Measurement('soak of serve and drain at 500 jobs/s', store);
  const [daemon, consumer] = [cli.start(['serve']), cli.start(['drain', ...TOPICS, '--follow'])];
  await Promise.all([daemon.hearsSignals(), consumer.hearsSignals()]);
  const deliveries = new Deliveries(consumer);
  const queue = await cli.queue();
  const [pushed, looks] = await Promise.all([
    produce(queue),
    lookOn(async () => ({
      ...lookAt('serve', daemon),
      ...lookAt('drain', consumer),
      ...(await lookAtStore()),
    })),
  ]);
  await eventually(() => deliveries.seen.size === pushed, { withinMs: LONGEST_DELAY_MS + 60_000 });
  measured.add('jobs', pushed);
  measured.none('jobs lost', pushed - deliveries.seen.size);
  measured.none('delivered twice', deliveries.twice);
  measured.none('delivered early', deliveries.early);
  const late = deliveries.lateMs.sort((a, b) => a - b);
  measured.add('ms late at the median', late[late.length >> 1] ?? 0);
  measured.add('ms late at p99', late[Math.floor(late.length * 0.99)] ?? 0);
  gateGrowth(measured, looks);
  // Its end waits for the acknowledgement of the jobs that it printed last.
  await consumer.end();
  expect((await daemon.end()).code).to.equal(0);
  const left = await Promise.all(TOPICS.map((topic) => idsInQueue(queue, topic)));
  measured.none('jobs left in the store', left.flat().length);
  measured.end();
}

describe('a daemon and a consumer that run for long do not grow in memory, descriptors, threads, connections and keys:', () => {
  describe('on Redis', () => {
    const redis = useRedis({ args: ['--appendonly', 'yes'] });
    const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

    it('each job is delivered once, and none early', async () => {
      await soak('Redis', cli, async () => ({
        keys: await redis.raw.dbsize(),
        connections: ((await redis.raw.client('LIST')) as string).split('\n').length,
      }));
    });
  });

  describe('on SQLite', () => {
    const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${join(home, 'queue.db')}` }));

    it('each job is delivered once, and none early', async () => {
      const mb = (name: string) => statSync(join(cli.home, name)).size / 1_000_000;
      await soak('SQLite', cli, () =>
        Promise.resolve({ 'file MB': mb('queue.db'), 'log MB': mb('queue.db-wal') }),
      );
    });
  });
});
