// A separate process on a store, for the tests: `child.ts push|batch|pop|open|wait|crowd|large PATH STEM COUNT`.
// It prints the id of each job as soon as it is pushed or popped, one per line.
import { closeSync, openSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';
import { DelayerError } from '../../../src/core/errors.js';
import { Queue } from '../../../src/core/queue.js';
import { SqliteStore } from '../../../src/storage/sqlite/store.js';

const [action = '', path = '', stem = '', count = '0'] = process.argv.slice(2);

/** Prints whole lines, also into a full pipe: a job that was done and not printed would look lost. */
function print(...lines: string[]): void {
  let rest = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

/** Tries to push with no free descriptor, then with one, and so on. */
async function pushInACrowd(): Promise<void> {
  const handles: number[] = [];
  try {
    for (;;) handles.push(openSync(devNull, 'r'));
  } catch {
    // No descriptor is left.
  }
  for (const handle of handles) {
    try {
      const queue = new Queue(await SqliteStore.open(path));
      await queue.push({ topic: 'topic', body: 'b' });
      await queue.close();
      break;
    } catch (error) {
      print(error instanceof DelayerError ? `${error.code}: ${error.message}` : String(error));
    }
    closeSync(handle);
  }
  for (const handle of handles) closeSync(handle);
}

try {
  const queue = new Queue(await SqliteStore.open(path));
  switch (action) {
    case 'push':
      for (let i = 0; i < Number(count); i += 1) {
        const id = `${stem}${i}`;
        await queue.push({ id, topic: 'topic', body: `body of ${id}` });
        print(id);
      }
      break;
    case 'batch':
      for (let i = 0; i < Number(count); i += 1) {
        const ids = Array.from({ length: 100 }, (_, k) => `${stem}${i}-${k}`);
        await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: `body of ${id}` })));
        print(...ids);
      }
      break;
    case 'large': {
      const ids = Array.from({ length: Number(count) }, (_, i) => `${stem}${i}`);
      await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: Buffer.alloc(200) })));
      const { jobs } = await queue.reserve({ topics: 'topic', limit: ids.length / 10, leaseMs: 60_000 });
      await queue.ack(jobs);
      await queue.removeMany(ids.slice((ids.length * 2) / 5, (ids.length * 4) / 5), { states: 'any' });
      for (const { id } of await queue.popMany('topic', ids.length / 10)) print(id.toString());
      break;
    }
    case 'crowd':
      await queue.push({ topic: 'topic', body: 'b' });
      await queue.close();
      await pushInACrowd().catch(() => undefined);
      break;
    case 'wait':
      await queue.waitForReady('topic', { timeoutMs: 50 });
      await queue.waitForPush({ timeoutMs: 50 });
      break;
    case 'pop':
      for (let i = 0; i < Number(count); i += 1) {
        // On a busy machine a pusher may take long to start.
        const job = await queue.bpop('topic', { timeoutMs: 300_000 });
        if (!job) break;
        print(job.id.toString());
      }
      break;
  }
  // `wait` leaves the queue open, which must not keep the process alive.
  if (action !== 'wait') await queue.close();
} catch (error) {
  print(error instanceof DelayerError ? `${error.code}: ${error.message}` : String(error));
}
