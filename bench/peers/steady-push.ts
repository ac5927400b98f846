// steady-push URL RATE SECONDS: pushes RATE jobs a second, a few every 5 ms, each due after 0.5 to 3 s by chance. Prints
// how many it has pushed.
import { setTimeout as sleep } from 'node:timers/promises';
import { openQueue } from '../../src/index.js';

const [url = '', rate = '1000', seconds = '10'] = process.argv.slice(2);
const STEP_MS = 5;

const queue = await openQueue(url);
const begun = performance.now();
let pushed = 0;
for (let elapsed = 0; elapsed < Number(seconds) * 1000; elapsed = performance.now() - begun) {
  const missing = Math.floor((elapsed / 1000) * Number(rate)) - pushed;
  const jobs = Array.from({ length: missing }, () => ({
    topic: 'orders',
    body: '{"orderID":32}',
    delayMs: Math.round(500 + Math.random() * 2500),
  }));
  if (missing > 0) await queue.pushMany(jobs);
  pushed += missing;
  await sleep(STEP_MS);
}
await queue.close();
process.stdout.write(`${pushed}\n`);
