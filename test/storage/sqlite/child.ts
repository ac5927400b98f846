// A process of its own on a store, for the tests: `child.ts push|pop|open PATH STEM COUNT`.
// It prints the id of each job that it has pushed or popped, each on a line, as soon as it is done.
import { writeSync } from 'node:fs';
import { DelayerError } from '../../../src/core/errors.js';
import { Queue } from '../../../src/core/queue.js';
import { SqliteStore } from '../../../src/storage/sqlite/store.js';

const [action = '', path = '', stem = '', count = '0'] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);

try {
  const queue = new Queue(await SqliteStore.open(path));
  switch (action) {
    case 'push':
      for (let i = 0; i < Number(count); i += 1) {
        const id = `${stem}${i}`;
        await queue.push({ id, topic: 'topic', body: `body of ${id}` });
        say(id);
      }
      break;
    case 'batch':
      for (let i = 0; i < Number(count); i += 1) {
        const ids = Array.from({ length: 100 }, (_, k) => `${stem}${i}-${k}`);
        await queue.pushMany(ids.map((id) => ({ id, topic: 'topic', body: `body of ${id}` })));
        for (const id of ids) say(id);
      }
      break;
    case 'pop':
      for (let i = 0; i < Number(count); i += 1) {
        const job = await queue.bpop('topic', { timeoutMs: 30_000 });
        if (!job) break;
        say(job.id.toString());
      }
      break;
  }
  await queue.close();
} catch (error) {
  say(error instanceof DelayerError ? `${error.code}: ${error.message}` : String(error));
}
