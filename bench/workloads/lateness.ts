import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { openQueue } from '../../src/storage/open.js';
import {
  delayer,
  end,
  type Figure,
  percentile,
  start,
  withFolder,
  withRedis,
  type Bench,
  type Workload,
} from '../support.js';

const RATE = 1000;
const PUSHER = fileURLToPath(new URL('../peers/steady-push.ts', import.meta.url));
/** The consumer is stopped when no job has arrived for this time (ms); the longest delay is 3 s. */
const QUIET_MS = 5000;

/**
 * A consumer that reports the due time of each job when it gets it. Store and consumer run on one machine and share
 * its clock.
 */
type Consumer = (url: string, over: AbortSignal, onJob: (dueAt: Date | undefined) => void) => Promise<void>;

const byBpop: Consumer = async (url, over, onJob) => {
  const queue = await openQueue(url);
  while (!over.aborted) onJob((await queue.bpop('orders', { signal: over }))?.dueAt);
  await queue.close();
};

const byFollower: Consumer = async (url, over, onJob) => {
  const follower = start(delayer('drain', 'orders', '--follow', '--store', url), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  over.addEventListener('abort', () => void end(follower));
  if (!follower.stdout) throw new Error('no pipe');
  for await (const line of createInterface(follower.stdout)) {
    onJob(new Date((JSON.parse(line) as { dueAt: string }).dueAt));
  }
};

export const lateness: Workload = {
  name: 'lateness',
  about: `lateness of delivery to one consumer, of ${RATE} jobs a second that are due after 0.5 to 3 s at random`,
  async run(bench) {
    const figures: Figure[] = [];
    for (const [name, consumer] of [
      ['bpop', byBpop],
      ['follower', byFollower],
    ] as const) {
      const onRedis = await withRedis(async (server) => {
        const daemon = start(delayer('serve', '--store', server.url));
        try {
          return await measure(bench, `Redis, serve and ${name}`, server.url, consumer);
        } finally {
          await end(daemon);
        }
      });
      const embedded = await withFolder((folder) =>
        measure(bench, `SQLite, ${name}`, `sqlite:${join(folder, 'queue.db')}`, consumer),
      );
      figures.push(...onRedis, ...embedded);
    }
    return figures;
  },
};

async function measure(bench: Bench, name: string, url: string, consume: Consumer): Promise<Figure[]> {
  bench.progress(name);
  const late: number[] = [];
  const over = new AbortController();
  const consuming = consume(url, over.signal, (dueAt) => {
    if (dueAt) late.push(Date.now() - dueAt.getTime());
  });
  const pusher = start(
    [process.execPath, '--import=tsx', PUSHER, url, String(RATE), bench.small ? '1' : '10'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (!pusher.stdout) throw new Error('no pipe');
  const pushed = Number(await text(pusher.stdout));
  // A consumer that cannot keep up delivers late, so wait as long as jobs arrive.
  for (let before = -1; late.length < pushed && late.length > before;) {
    before = late.length;
    const lookUntil = performance.now() + QUIET_MS;
    while (late.length < pushed && performance.now() < lookUntil) await sleep(20);
  }
  over.abort();
  await consuming;
  if (late.length !== pushed) throw new Error(`${name}: ${late.length} of ${pushed} jobs arrived`);
  const early = late.filter((ms) => ms < 0).length;
  return [
    { what: `${name}: p50`, value: percentile(late, 0.5), unit: 'ms' },
    { what: `${name}: p99`, value: percentile(late, 0.99), unit: 'ms', goal: { atMost: 5, now: 10 } },
    { what: `${name}: latest`, value: percentile(late, 1), unit: 'ms' },
    { what: `${name}: early`, value: early, unit: 'jobs', goal: { atMost: 0 } },
  ];
}
