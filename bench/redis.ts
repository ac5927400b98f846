import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { openQueue } from '../src/storage/open.js';
import type { Queue } from '../src/core/queue.js';
import type { RedisServer } from '../test/support/redis-server.js';
import { bodyOf } from './support.js';

/** Ready lifetime (s) of loaded jobs, which is longer than any bench. */
const TTL = 86_400;
const CHUNK = 1000;

/** Writes jobs in the layout of the original; the arguments are id, topic, body and score of each. */
const LOAD = `
for i = 1, #ARGV, 4 do
  redis.call('HSET', 'delayer:job_bucket:' .. ARGV[i], 'topic', ARGV[i + 1], 'body', ARGV[i + 2])
  redis.call('EXPIRE', 'delayer:job_bucket:' .. ARGV[i], ${TTL})
  redis.call('ZADD', 'delayer:job_pool', ARGV[i + 3], ARGV[i])
end`;

const LOAD_READY = `
for i = 1, #ARGV, 4 do
  redis.call('HSET', 'delayer:job_bucket:' .. ARGV[i], 'topic', ARGV[i + 1], 'body', ARGV[i + 2])
  redis.call('EXPIRE', 'delayer:job_bucket:' .. ARGV[i], ${TTL})
  redis.call('LPUSH', 'delayer:ready_queue:' .. ARGV[i + 1], ARGV[i])
end`;

export interface Load {
  readonly count: number;
  readonly stem: string;
  readonly topics?: number;
  /** The due time (Unix seconds) of job n; without this function jobs are ready. */
  readonly dueAt?: (n: number) => number;
}

/** Writes jobs directly into Redis, because loading is not what a bench measures. */
export async function load(redis: Redis, { count, stem, topics = 1, dueAt }: Load): Promise<void> {
  for (let first = 0; first < count; first += CHUNK) {
    const args: string[] = [];
    for (let n = first; n < Math.min(count, first + CHUNK); n += 1) {
      args.push(`${stem}-${n}`, topicOf(n % topics), bodyOf(n), String(dueAt?.(n) ?? 0));
    }
    await redis.eval(dueAt ? LOAD : LOAD_READY, 0, ...args);
  }
}

/** The name of topic n; topic 0 is the one to which workloads push. */
export const topicOf = (number: number): string => (number === 0 ? 'orders' : `orders-${number}`);

/** The server's clock, in seconds. */
export async function serverTime(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) + Number(micros) / 1e6;
}

/** Bytes that Redis has allocated. */
export async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

/** Makes the server log every call of a millisecond or more from now on. */
export async function watchSlowCalls(redis: Redis): Promise<void> {
  await redis.config('SET', 'slowlog-log-slower-than', 1000);
  await redis.config('SET', 'slowlog-max-len', 100_000);
  await redis.slowlog('RESET');
}

/** The longest call (ms) since {@link watchSlowCalls}; 1 when all were shorter. */
export async function longestCall(redis: Redis): Promise<number> {
  const calls = (await redis.slowlog('GET', 100_000)) as [number, number, number][];
  return Math.max(1000, ...calls.map(([, , micros]) => micros)) / 1000;
}

/** Returns a clock of the processor time (ms) of the server's main thread. Linux only. */
export async function processorTimeOf(redis: Redis): Promise<() => number> {
  const pid = /^process_id:(\d+)/m.exec(await redis.info('server'))?.[1];
  return () => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

/** Runs `use` on a queue of that server, and closes it. */
export async function withQueue<T>(server: RedisServer, use: (queue: Queue) => Promise<T>): Promise<T> {
  const queue = await openQueue(server.url);
  try {
    return await use(queue);
  } finally {
    await queue.close();
  }
}
