import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/storage/sqlite/driver.js';
import { openQueue } from '../../src/storage/open.js';
import { bodyOf, delayer, end, start, withFolder, type Workload } from '../support.js';

/** A pusher is killed within this time (ms) after its first commit, at random. */
const LIFE_MS = 40;
/** Lines that a pusher is given at a time, which is as many as it commits at a time. */
const LINES = 250;

export const killSqlite: Workload = {
  name: 'kill-sqlite',
  about:
    'lost and doubled jobs when a pusher to the embedded store is killed by SIGKILL 500 times during commits',
  long: true,
  run: (bench) =>
    withFolder(async (folder) => {
      const kills = bench.small ? 20 : 500;
      const file = join(folder, 'queue.db');
      const url = `sqlite:${file}`;
      const acknowledged = new Set<string>();
      const delivered = new Map<string, number>();
      const note = (id: string) => delivered.set(id, (delivered.get(id) ?? 0) + 1);
      // In the first half another process has the file open; in the second half the log is recovered after each kill.
      const endFollower = follow(url, note);
      for (let kill = 1; kill <= kills; kill += 1) {
        bench.progress(
          `kill ${kill} of ${kills}: ${acknowledged.size} acknowledged, ${delivered.size} delivered`,
        );
        await pushAndDie(url, `run-${kill}`, (id) => acknowledged.add(id));
        if (kill === Math.ceil(kills / 2)) await endFollower();
      }
      const queue = await openQueue(url);
      for (;;) {
        const jobs = await queue.popMany('orders', LINES);
        if (jobs.length === 0) break;
        for (const { id } of jobs) note(id.toString());
      }
      await queue.close();
      const lost = [...acknowledged].filter((id) => !delivered.has(id)).length;
      const twice = [...delivered.values()].filter((times) => times > 1).length;
      return [
        { what: `${kills} kills, jobs acknowledged`, value: acknowledged.size, unit: 'jobs' },
        { what: 'acknowledged and lost', value: lost, unit: 'jobs', goal: { atMost: 0 } },
        { what: 'delivered twice', value: twice, unit: 'jobs', goal: { atMost: 0 } },
        { what: 'integrity_check', value: faults(file), unit: 'faults', goal: { atMost: 0 } },
      ];
    }),
};

/** Runs a pusher with endless input, and kills it shortly after its first commit. */
async function pushAndDie(url: string, stem: string, onAcknowledged: (id: string) => void): Promise<void> {
  const pusher = start(delayer('push', '--batch', '--store', url), { stdio: ['pipe', 'pipe', 'ignore'] });
  const { stdin, stdout } = pusher;
  if (!stdin || !stdout) throw new Error('no pipes');
  const lines = createInterface(stdout);
  const closed = once(lines, 'close');
  // An id counts only when its line is complete, as the kill may cut the last one.
  lines.on('line', (id) => {
    if (id.endsWith('.')) onAcknowledged(id);
  });
  // The pusher is killed with unread input, so feeding it fails.
  const feeding = pipeline(Readable.from(chunksOfLines(stem)), stdin).catch(() => undefined);
  await Promise.race([once(lines, 'line'), closed]);
  if (pusher.exitCode !== null) throw new Error(`a pusher ended with ${pusher.exitCode}`);
  await sleep(Math.random() * LIFE_MS);
  await end(pusher, 'SIGKILL');
  await Promise.all([feeding, closed]);
}

function* chunksOfLines(stem: string): Generator<string> {
  for (let n = 0; ; n += LINES) {
    const lines = Array.from({ length: LINES }, (_, i) =>
      JSON.stringify({ id: `${stem}-${n + i}.`, topic: 'orders', body: bodyOf(n + i) }),
    );
    yield `${lines.join('\n')}\n`;
  }
}

/** Starts a consumer. @returns a function that ends it and waits until all its jobs were reported */
function follow(url: string, onJob: (id: string) => void): () => Promise<void> {
  const follower = start(delayer('drain', 'orders', '--follow', '--output', 'id', '--store', url), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!follower.stdout) throw new Error('no pipe');
  createInterface(follower.stdout).on('line', onJob);
  const closed = once(follower, 'close');
  return async () => {
    if (follower.exitCode !== null) throw new Error(`the consumer ended with ${follower.exitCode}`);
    follower.kill('SIGTERM');
    await closed;
  };
}

function faults(file: string): number {
  const database = openDatabase(file);
  const rows = database.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
  database.close();
  return rows.filter((row) => row.integrity_check !== 'ok').length;
}
