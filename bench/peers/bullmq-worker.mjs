// bullmq-worker SOCKET COUNT CONCURRENCY: a Worker of BullMQ with an async function handles COUNT jobs, which are added
// before. Prints the time (ms) that the work took.
import { Queue, Worker } from 'bullmq';

const [path, countText, concurrency] = process.argv.slice(2);
const count = Number(countText);
const connection = { path };
const CHUNK = 1000;

const queue = new Queue('orders', { connection });
for (let first = 0; first < count; first += CHUNK) {
  const length = Math.min(CHUNK, count - first);
  // Completed jobs are not kept, as delayer's are not.
  const opts = { removeOnComplete: true };
  const jobOf = (n) => ({ name: 'order', data: `{"orderID":${n},"shop":"north","amount":129900}`, opts });
  await queue.addBulk(Array.from({ length }, (_, n) => jobOf(first + n)));
}

const worker = new Worker('orders', async () => undefined, {
  connection,
  concurrency: Number(concurrency),
  autorun: false,
});
await worker.waitUntilReady();
let done = 0;
const begun = performance.now();
const finished = new Promise((resolve) => {
  worker.on('completed', () => {
    done += 1;
    if (done === count) resolve();
  });
});
void worker.run();
await finished;
process.stdout.write(`${performance.now() - begun}\n`);
await worker.close();
await queue.close();
