import { expect } from 'chai';
import fc from 'fast-check';
import { newToken } from '../../../src/core/lease.js';
import type { Queue } from '../../../src/core/queue.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { useFolder } from './files.js';

const NUMBERS: Record<string, readonly string[]> = {
  job: ['seq', 'state', 'attempts', 'place', 'due_at', 'expires_at', 'ttl_ms', 'has_extras'],
  lease: ['ends_at', 'reserved_at', 'deadline', 'jobs', 'first', 'has_extras'],
  waiting: ['seq', 'again_at', 'since'],
  dead: ['seq', 'failed_at', 'dead_until'],
  pause: ['until_at'],
  extras: ['seq', 'retries', 'first_ms', 'last_ms'],
  lock: ['until_at'],
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
const texts = [
  ...['seqs', 'token', 'policy', 'holder'].map((column) => ({ table: 'lease', column })),
  ...['key', 'history'].map((column) => ({ table: 'extras', column })),
  { table: 'lock', column: 'owner' },
];
const textOf = (column: fc.Arbitrary<{ table: string; column: string }>, values: fc.Arbitrary<string>) =>
  fc.tuple(column, values).map(([where, value]) => ({ ...where, value }));
const ofText = textOf(
  fc.constantFrom(...texts),
  fc.constantFrom(
    "''",
    "'['",
    "'{}'",
    "'null'",
    `'["x",1e300,1.5,{},null]'`,
    "'[-1,0,1,1,2,99]'",
    "'a.b.c'",
    '\'[-1,1e300,null,"x"]\'',
    `'[{"attempt":1,"startedAt":1,"endedAt":1e300,"outcome":"dead","reason":1},{"attempt":-1},7]'`,
  ),
);

describe('rows of an SQLite file with values that delayer never writes', () => {
  const folder = useFolder();
  let now = 0;

  /** Opens a queue with a job in each state. */
  async function filled(name: string): Promise<Queue> {
    const queue = await folder.openQueue(name, { now: () => now });
    const push = (id: string, delayMs = 0) =>
      queue.push({ id, topic: 'topic', body: id, delayMs, ttlMs: 60_000, retries: 2 });
    const lock = { name: 'lock', owner: 'one' };
    const reserve = async () =>
      (await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 1000, holder: 'h:1', lock })).jobs;
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
    const lock = { name: 'lock', owner: 'two' };
    const { jobs } = await queue.reserve({ topics: 'topic', limit: 9, leaseMs: 1000, lock });
    await queue.nack(jobs.slice(1));
    await queue.release(jobs.slice(0, 1));
    await queue.unlock(lock);
    await queue.lock({ name: 'lock', owner: 'three' });
    now += 1000;
    await queue.push({ id: 'ready', topic: 'topic', body: 'b' }, { onExisting: 'replace' });
    await queue.removeMany(['leased', 'waiting', 'dead', 'ready', 'delayed'], { states: 'any' });
    return popped;
  }

  it('any value in any column crashes no call, and jobs that are pushed then are delivered', async () => {
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

  it('jobs are delivered together with one that has an extreme number', async () => {
    now = Date.UTC(2026, 0, 1);
    for (const column of ['attempts', 'expires_at', 'ttl_ms']) {
      const queue = await folder.openQueue(`${column}.db`, { now: () => now });
      await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: id })));
      const other = openDatabase(folder.path(`${column}.db`));
      other.exec(`UPDATE job SET ${column} = 9223372036854775807 WHERE seq = 1`);
      other.close();
      // Without a policy, because so many attempts are more than any policy allows.
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

  it('a lease that would end in thousands of years ends after the longest possible lease', async () => {
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

  /** Pushes jobs 1, 2 and 3, and then changes the file by SQL. */
  async function written(sql: string): Promise<Queue> {
    now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.pushMany(['1', '2', '3'].map((id) => ({ id, topic: 'topic', body: id, retries: 5 })));
    change(sql);
    return queue;
  }

  function change(sql: string): void {
    const other = openDatabase(folder.path());
    other.exec(sql);
    other.close();
  }

  for (const [what, sql, says] of [
    ['negative retries', 'retries = -1', 'the number of retries is not valid'],
    ['too many retries', 'retries = 9223372036854775807', 'the number of retries is not valid'],
    ['half a backoff', 'first_ms = 5', 'a pause of the backoff is not valid'],
    [
      'a backoff that gets shorter',
      'first_ms = 5, last_ms = 4',
      'the first pause of the backoff is longer than the last',
    ],
  ] as const) {
    for (const taker of ['reserve', 'pop'] as const) {
      it(`a job with ${what} becomes a dead letter at a ${taker}, with the reason, and other jobs are delivered`, async () => {
        const queue = await written(`UPDATE extras SET ${sql} WHERE seq = 2`);
        const store = await folder.open('queue.db', { now: () => now });
        const topics = [Buffer.from('topic')];
        const taken =
          taker === 'pop'
            ? await store.pop({ topics, limit: 9 })
            : await store.reserve({ topics, limit: 9, leaseMs: 1000, token: newToken() });
        expect(taken.jobs.map(({ id }) => id.toString())).to.deep.equal(['1', '3']);
        const [burial] = taken.buried ?? [];
        expect(burial).to.deep.include({ id: Buffer.from('2'), topic: Buffer.from('topic') });
        expect(burial?.reason).to.equal(`its retry settings are broken: ${says}`);
        const [found] = await queue.find('2');
        expect(found).to.include({ state: 'dead', attempts: 0, reason: burial?.reason });
        expect(found?.retries).to.be.undefined;
        expect((await queue.health()).map(({ message }) => message).join()).to.match(
          /^1 row of the table extras has a value that delayer does not write: .*dead letter$/,
        );
      });
    }
  }

  it('a reserve whose jobs all have invalid retry settings goes on to the next topic', async () => {
    const queue = await written('UPDATE extras SET retries = -1');
    await queue.push({ id: 'other', topic: 'other', body: 'b' });
    const request = { topics: ['topic', 'other'], limit: 3, leaseMs: 1000 };
    const { jobs, buried } = await queue.reserve(request);
    expect(jobs.map(({ id }) => id.toString())).to.deep.equal(['other']);
    expect(buried).to.have.length(3);
    expect((await queue.stats()).totals).to.include({ dead: 3, leased: 1 });
  });

  it('retry settings that become invalid while their job is leased are ignored, and the policy applies', async () => {
    const queue = await written('SELECT 1');
    const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 1000, retry: { retries: 0 } });
    change('UPDATE extras SET retries = -1');
    expect((await queue.nack(jobs)).map(({ outcome }) => outcome)).to.deep.equal(['dead']);
  });

  it('an unreadable retry policy counts as none: the jobs come back', async () => {
    const queue = await written('DELETE FROM extras');
    await queue.reserve({ topics: 'topic', limit: 9, leaseMs: 1000, retry: { retries: 0 } });
    change(`UPDATE lease SET policy = '[0'`);
    expect((await queue.health()).map(({ message }) => message).join()).to.contain('table lease');
    now += 1000;
    expect(await queue.maintain()).to.include({ reclaimed: 3 });
  });

  it('invalid entries of a history are left out, and new attempts are added to the rest', async () => {
    const queue = await written('SELECT 1');
    const attempt = `{"attempt":7,"startedAt":1,"endedAt":2,"outcome":"retried","reason":"kept"}`;
    for (const [history, kept] of [
      [`[1,null,{"attempt":1},${attempt},{"attempt":"x"}]`, ['kept']],
      ['{}', []],
      ['[', []],
    ] as const) {
      change(`UPDATE extras SET history = '${history}' WHERE seq = 1`);
      const past = async () => (await queue.find('1'))[0]?.history?.map(({ reason }) => reason) ?? [];
      expect(await past()).to.deep.equal(kept);
      const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 1000, retry: false });
      await queue.nack(jobs, { delayMs: 0, reason: 'new' });
      expect(await past()).to.deep.equal([...kept, 'new']);
      change('UPDATE job SET place = 0, due_at = NULL WHERE seq = 1');
    }
  });

  it('a job that is marked to have extras and has none is delivered', async () => {
    const queue = await written('DELETE FROM extras');
    const { jobs } = await queue.reserve({ topics: 'topic', limit: 9, leaseMs: 1000, retry: false });
    expect(jobs.map(({ retries }) => retries)).to.deep.equal([undefined, undefined, undefined]);
    await queue.release(jobs);
    const again = await queue.reserve({ topics: 'topic', limit: 9, leaseMs: 1000, retry: false });
    expect(again.jobs.map(({ key }) => key)).to.deep.equal(jobs.map(({ key }) => key));
  });

  it('a lock that would be held for thousands of years is free after 30 s', async () => {
    const queue = await written('SELECT 1');
    await queue.lock({ name: 'lock', owner: 'one' });
    change(`UPDATE lock SET until_at = ${Number.MAX_SAFE_INTEGER}`);
    const two = { name: 'lock', owner: 'two' };
    expect(await queue.lock(two)).to.be.false;
    now += 30_000;
    expect(await queue.lock(two)).to.be.true;
  });
});
