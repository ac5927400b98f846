// steady-push URL RATE SECONDS [original]: pushes RATE jobs a second, a few every 5 ms, each due after 0.5 to 3 s at
// random, or with `original` as the original clients do and due after 0 to 3 whole seconds. Prints the number of jobs.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { openQueue } from '../../src/index.js';
import { parseRedisUrl } from '../../src/storage/redis/url.js';
import { OriginalClient } from '../../test/interop/original.js';

const [url = '', rate = '1000', seconds = '10', client = 'delayer'] = process.argv.slice(2);
const STEP_MS = 5;
const [TOPIC, BODY] = ['orders', '{"orderID":32}'];

/** A client that pushes a number of jobs, and can close its connections. */
interface Pusher {
  push(count: number, first: number): Promise<void>;
  close(): Promise<void>;
}

async function delayerPusher(): Promise<Pusher> {
  const queue = await openQueue(url);
  const job = () => ({ topic: TOPIC, body: BODY, delayMs: Math.round(500 + Math.random() * 2500) });
  return {
    push: async (count) => {
      await queue.pushMany(Array.from({ length: count }, job));
    },
    close: () => queue.close(),
  };
}

/** A push of the original takes five requests, so several clients share the jobs. */
function originalPusher(): Pusher {
  const { host = '127.0.0.1', port = 6379, path } = parseRedisUrl(url);
  const connect = () => (path === undefined ? new Redis(port, host) : new Redis(path));
  const connections = Array.from({ length: 4 }, connect);
  const clients = connections.map((redis) => new OriginalClient(redis));
  return {
    push: async (count, first) => {
      const share = async (one: OriginalClient, from: number) => {
        for (let i = from; i < count; i += clients.length)
          await one.push(`${first + i}`, TOPIC, BODY, Math.floor(Math.random() * 4));
      };
      await Promise.all(clients.map(share));
    },
    close: () => {
      for (const redis of connections) redis.disconnect();
      return Promise.resolve();
    },
  };
}

const pusher = client === 'original' ? originalPusher() : await delayerPusher();
const begun = performance.now();
let pushed = 0;
for (let elapsed = 0; elapsed < Number(seconds) * 1000; elapsed = performance.now() - begun) {
  const missing = Math.floor((elapsed / 1000) * Number(rate)) - pushed;
  if (missing > 0) await pusher.push(missing, pushed);
  pushed += missing;
  await sleep(STEP_MS);
}
await pusher.close();
process.stdout.write(`${pushed}\n`);
