import { once } from 'node:events';
import { Queue } from '../../src/core/queue.js';
import { parseRedisUrl } from '../../src/storage/redis/url.js';
import { RedisStore } from '../../src/storage/redis/store.js';
import { printHandler } from '../../src/worker/handlers/print.js';
import { drainPass } from '../../src/worker/pass.js';

/** A program for a test: drains a topic and prints ids; after the first jobs it waits for the end of stdin. */
const LEASE_MS = 300;
const [url = '', prefix = ''] = process.argv.slice(2);
const queue = new Queue(new RedisStore(parseRedisUrl(url), prefix));
let waited = false;
const handler = printHandler(async (jobs) => {
  process.stdout.write(jobs.map(({ id }) => `${id.toString()}\n`).join(''));
  if (!waited) {
    waited = true;
    process.stdin.resume();
    await once(process.stdin, 'end');
  }
  return jobs.length;
});
const signal = new AbortController().signal;
await drainPass(queue, { topics: [Buffer.from('topic')], handler, signal, leaseMs: LEASE_MS });
await queue.close();
