// A separate process on an SQLite file that kills itself (SIGKILL) within a call: see doomed.ts.
import { Queue } from '../../src/core/queue.js';
import { Connection } from '../../src/storage/sqlite/connection.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import type { Task } from './doomed.js';

/** The statement of the call at which the process ends, before or after running it. */
let end: Pick<Task, 'killAt' | 'after'> = { killAt: Infinity, after: false };
let statements = 0;

/** Runs a statement, unless the process ends before or after it. */
function counted<T>(run: () => T): T {
  statements += 1;
  const isLast = statements >= end.killAt;
  if (isLast && !end.after) process.kill(process.pid, 'SIGKILL');
  const answer = run();
  if (isLast) process.kill(process.pid, 'SIGKILL');
  return answer;
}

const { run, get } = Object.getOwnPropertyDescriptors(Connection.prototype);
Connection.prototype.run = function (this: Connection, sql, ...values): number {
  return counted(() => run.value?.call(this, sql, ...values) ?? 0);
};
Connection.prototype.get = function (this: Connection, sql, ...values): unknown {
  return counted(() => get.value?.call(this, sql, ...values));
};

async function perform({ path, now, method, args, ...at }: Task): Promise<void> {
  const queue = new Queue(await SqliteStore.open(path, { now: () => now }));
  // Opens the file first, which is not a part of the call.
  await queue.stats();
  [statements, end] = [0, at];
  const call = Reflect.get(queue, method) as (...given: unknown[]) => Promise<unknown>;
  await Reflect.apply(call, queue, args);
  process.send?.('done', () => process.kill(process.pid, 'SIGKILL'));
}

process.once('message', (task: Task) => {
  perform(task).catch((error: unknown) => {
    process.send?.(String(error), () => process.exit(1));
  });
});
// The process that started it is gone.
process.once('disconnect', () => process.exit(1));
