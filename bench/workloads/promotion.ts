import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { RedisServer } from '../../test/support/redis-server.js';
import {
  delayer,
  end,
  type Figure,
  percentile,
  start,
  withRedis,
  type Bench,
  type Workload,
} from '../support.js';

const RATE = 1000;
const PUSHER = fileURLToPath(new URL('../peers/steady-push.ts', import.meta.url));
const [POOL, READY] = ['delayer:job_pool', 'delayer:ready_queue:orders'];
/** Wait at most this time (ms) for promotions: the longest delay of the pushers, and some time for the daemon. */
const LONGEST_MS = 5000;

/** Due times and lateness of jobs, by the clock of the server that runs the commands. */
interface Seen {
  readonly due: Map<string, number>;
  readonly lateMs: number[];
}

export const promotion: Workload = {
  name: 'promotion',
  about: `lateness of promotion, from due time to ready list by Redis's clock, of ${RATE} jobs a second`,
  async run(bench) {
    const figures: Figure[] = [];
    for (const client of ['delayer', 'original'] as const)
      figures.push(...(await withRedis((server) => measure(bench, server, client))));
    return figures;
  },
};

async function measure(bench: Bench, server: RedisServer, client: string): Promise<Figure[]> {
  const name = client === 'delayer' ? 'pushed by delayer' : 'pushed by original clients';
  bench.progress(name);
  const daemon = start(delayer('serve', '--store', server.url));
  const redis = server.client();
  const monitor = await server.client().monitor();
  const seen: Seen = { due: new Map(), lateMs: [] };
  monitor.on('monitor', (time: string, args: string[]) => note(seen, Number(time), args));
  try {
    const command = [
      process.execPath,
      '--import=tsx',
      PUSHER,
      server.url,
      String(RATE),
      bench.small ? '1' : '10',
    ];
    const pusher = start([...command, client], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (!pusher.stdout) throw new Error('no pipe');
    const pushed = Number(await text(pusher.stdout));
    for (
      const until = performance.now() + LONGEST_MS;
      seen.lateMs.length < pushed && performance.now() < until;
    )
      await sleep(20);
    if (seen.lateMs.length !== pushed || (await redis.zcard(POOL)) > 0)
      throw new Error(`${name}: ${seen.lateMs.length} of ${pushed} jobs were made ready`);
  } finally {
    monitor.disconnect();
    redis.disconnect();
    await end(daemon);
  }
  const early = seen.lateMs.filter((ms) => ms < 0).length;
  return [
    { what: `${name}: p50`, value: percentile(seen.lateMs, 0.5), unit: 'ms' },
    { what: `${name}: p99`, value: percentile(seen.lateMs, 0.99), unit: 'ms', goal: { atMost: 5 } },
    { what: `${name}: latest`, value: percentile(seen.lateMs, 1), unit: 'ms' },
    { what: `${name}: early`, value: early, unit: 'jobs', goal: { atMost: 0 } },
  ];
}

/** The lateness of a job that is due before its push counts from the push. */
function note({ due, lateMs }: Seen, time: number, [command = '', key, ...rest]: string[]): void {
  const name = command.toUpperCase();
  if (name === 'ZADD' && key === POOL)
    for (let i = 0; i + 1 < rest.length; i += 2) due.set(rest[i + 1] ?? '', Math.max(Number(rest[i]), time));
  if (name === 'LPUSH' && key === READY)
    for (const id of rest) lateMs.push((time - (due.get(id) ?? NaN)) * 1000);
}
