import { expect } from 'chai';
import fc from 'fast-check';
import type { Queue } from '../../../src/core/queue.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { useFolder } from './files.js';

const NUMBERS: Record<string, readonly string[]> = {
  job: ['seq', 'state', 'attempts', 'place', 'due_at', 'expires_at', 'ttl_ms'],
  lease: ['ends_at', 'reserved_at', 'deadline', 'jobs', 'first'],
  waiting: ['seq', 'again_at', 'since'],
  dead: ['seq', 'failed_at', 'dead_until'],
  pause: ['until_at'],
  clock: ['one', 'monotonic_ms', 'uptime_ms', 'at_ms', 'trusted_ms', 'ran_ms', 'jumped_ms'],
};

const number = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(-(2n ** 63n), -(2n ** 53n), -1n, 0n, 1n, 8_640_000_000_000_001n, 2n ** 53n, 2n ** 63n - 1n),
);
const ofNumber = fc
  .constantFrom(
    ...Object.entries(NUMBERS).flatMap(([table, columns]) => columns.map((c) => [table, c] as const)),
  )
  .chain(([table, column]) => number.map((value) => ({ table, column, value: `${value}` })));
const ofText = fc.record({
  table: fc.constant('lease'),
  column: fc.constantFrom('seqs', 'token'),
  value: fc.constantFrom(
    "''",
    "'['",
    "'{}'",
    "'null'",
    `'["x",1e300,1.5,{},null]'`,
    "'[-1,0,1,1,2,99]'",
    "'a.b.c'",
  ),
});

describe('rows of an SQLite file that no delayer wrote', () => {
  const folder = useFolder();
  let now = 0;

  /** A queue with a job in each state. */
  async function filled(name: string): Promise<Queue> {
    const queue = await folder.openQueue(name, { now: () => now });
    const push = (id: string, delayMs = 0) =>
      queue.push({ id, topic: 'topic', body: id, delayMs, ttlMs: 60_000 });
    const reserve = async () => (await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 1000 })).jobs;
    await push('leased');
    await reserve();
    await push('waiting');
    const waiting = await reserve();
    await push('waiting', 500);
    await queue.nack(waiting, { delayMs: 1 });
    await push('dead');
    await queue.nack(await reserve(), { dead: true });
    await push('ready');
    await push('delayed', 2000);
    await queue.pause('other', { forMs: 500 });
    return queue;
  }

  async function useAll(queue: Queue): Promise<string[]> {
    await queue.stats();
    await queue.stats({ exact: false });
    await queue.health();
    for (const id of ['leased', 'waiting', 'dead', 'ready', 'delayed']) await queue.find(id);
    await queue.list('topic');
    const popped: string[] = [];
    for (let step = 0; step < 6; step += 1) {
      for (const job of await queue.popMany('topic', 3)) {
        popped.push(job.id.toString());
        job.dueAt?.toISOString();
        job.expiresAt?.toISOString();
      }
      await queue.maintain();
      await queue.waitForReady('topic', { timeoutMs: 1 });
      now += 1000;
    }
    await queue.requeue(['dead']);
    await queue.removeMany(['leased', 'waiting', 'dead', 'ready', 'delayed'], { states: 'any' });
    return popped;
  }

  it('any number in any column crashes nothing, and a job that is pushed then is delivered', async () => {
    let round = 0;
    const strange = fc.array(fc.oneof(ofNumber, ofText), { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(strange, async (changes) => {
      now = Date.UTC(2026, 0, 1);
      round += 1;
      const queue = await filled(`${round}.db`);
      const other = openDatabase(folder.path(`${round}.db`));
      for (const { table, column, value } of changes)
        other.exec(`UPDATE OR IGNORE ${table} SET ${column} = ${value}`);
      other.close();
      await useAll(queue);
      const id = 'new';
      await queue.push({ id, topic: 'new', body: 'b' });
      expect((await queue.popMany('new', 9)).map((job) => job.id.toString())).to.include(id);
      await queue.close();
    });
    await fc.assert(property, { numRuns: Number(process.env.STRANGE_RUNS ?? 12) });
  });

  it('jobs behind a row with a strange number are delivered, and that row is delivered with them', async () => {
    now = Date.UTC(2026, 0, 1);
    for (const column of ['attempts', 'expires_at', 'ttl_ms']) {
      const queue = await folder.openQueue(`${column}.db`, { now: () => now });
      await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: id })));
      const other = openDatabase(folder.path(`${column}.db`));
      other.exec(`UPDATE job SET ${column} = 9223372036854775807 WHERE seq = 1`);
      other.close();
      // So many attempts are more than any policy has.
      const request = { topics: 'topic', limit: 9, leaseMs: 1000, retry: false } as const;
      const { jobs } = await queue.reserve(request);
      expect(
        jobs.map(({ id }) => id.toString()),
        column,
      ).to.deep.equal(['1', '2', '3']);
      now += 1000;
      expect(await queue.popMany('topic', 9), column).to.have.length(3);
    }
  });

  it('a lease that would end in thousands of years ends after the longest one that there is', async () => {
    now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.push({ id: 'id', topic: 'topic', body: 'b', ttlMs: 400 * 86_400_000 });
    await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 1000 });
    const other = openDatabase(folder.path());
    other.exec(`UPDATE lease SET ends_at = ${Number.MAX_SAFE_INTEGER}`);
    other.close();
    expect((await queue.find('id'))[0]?.state).to.equal('leased');
    now += 120_000;
    expect(await queue.pop('topic')).to.be.undefined;
    now += 25 * 86_400_000;
    expect((await queue.pop('topic'))?.id.toString()).to.equal('id');
  });
});
