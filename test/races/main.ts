import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RedisServer } from '../support/redis-server.js';
import { runRaces, type RaceCounts } from './run.js';

/** npm run test:races -- [--races N] [--store redis|sqlite] [--seed N] */
const { values } = parseArgs({
  options: { races: { type: 'string' }, store: { type: 'string' }, seed: { type: 'string' } },
});
const races = Number(values.races ?? 100_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));

function tell(store: string, { acted, wrong }: RaceCounts, since: number): void {
  const seconds = Math.round((performance.now() - since) / 1000);
  const who = Object.entries(acted).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${store}, seed ${seed}: ${races} races, ${wrong.length} wrong; acted: ${who.join(', ')}; ${seconds} s`,
  );
  for (const line of wrong.slice(0, 20)) console.log(line);
  if (wrong.length > 0) process.exitCode = 1;
}

if (values.store !== 'sqlite') {
  const since = performance.now();
  const server = await RedisServer.start();
  try {
    tell('redis', await runRaces({ url: server.url, prefix: 'races', races, seed }), since);
  } finally {
    await server.stop();
  }
}
if (values.store !== 'redis') {
  const since = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'delayer-races-'));
  try {
    tell('sqlite', await runRaces({ url: `sqlite:${folder}/queue.db`, prefix: '', races, seed }), since);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
