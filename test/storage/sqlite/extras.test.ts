import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { ids, useFolder } from './files.js';

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1000, 60_000, 3_600_000];

describe('extras table of an SQLite file', () => {
  const folder = useFolder();
  let now = 0;
  let queue: Queue;
  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    queue = await folder.openQueue('queue.db', { now: () => now });
  });

  function rows(sql: string): unknown[] {
    const database = openDatabase(folder.path());
    try {
      return database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row as object)[0] as unknown);
    } finally {
      database.close();
    }
  }
  const change = (sql: string) => {
    const database = openDatabase(folder.path());
    database.exec(sql);
    database.close();
  };
  const extras = () => rows('SELECT seq FROM extras ORDER BY seq');
  const job = { topic: 'topic', body: 'b' };
  const own = { retries: 5, backoff: { firstMs: 1, lastMs: 2 } };
  const reserve = async (limit = 1, leaseMs = SECOND_MS) =>
    (await queue.reserve({ topics: 'topic', limit, leaseMs })).jobs;

  it('a job without retry settings that is pushed, reserved and acked, or popped, has no extras', async () => {
    await queue.pushMany(ids(30).map((id) => ({ id, ...job })));
    const jobs = await reserve(20);
    expect(extras()).to.deep.equal([]);
    await queue.ack(jobs);
    await queue.popMany('topic', 10);
    expect([extras(), rows('SELECT seq FROM job')]).to.deep.equal([[], []]);
  });

  it('the extras of a job are deleted with it, however it ends', async () => {
    const ends: Record<string, (id: string) => Promise<unknown>> = {
      ack: async () => queue.ack(await reserve()),
      'ack of a lease that was extended by itself': async () => {
        await queue.push({ id: 'other', ...job });
        const jobs = await reserve(2);
        await queue.extend(jobs.slice(0, 1), HOUR_MS);
        return queue.ack(jobs);
      },
      pop: () => queue.pop('topic'),
      remove: async (id) => queue.removeMany([id], { states: 'any' }),
      'remove of a leased job': async (id) => {
        await reserve();
        return queue.removeMany([id], { states: 'any' });
      },
      'remove of a dead letter': async (id) => {
        await queue.nack(await reserve(), { dead: true });
        return queue.removeMany([id], { states: ['dead'] });
      },
      'remove of a job that waits for a newer one': async (id) => {
        const jobs = await reserve();
        await queue.push({ id, topic: 'topic', body: 'newer' });
        await queue.nack(jobs, { delayMs: 0 });
        return queue.removeMany([id], { states: 'any' });
      },
      'the end of a dead letter': async () => {
        await queue.nack(await reserve(), { dead: true, deadTtlMs: SECOND_MS });
        now += SECOND_MS;
        return queue.maintain();
      },
      'a push in its place': async (id) => {
        await queue.push({ id, topic: 'topic', body: 'other' }, { onExisting: 'replace' });
        return queue.pop('topic');
      },
      'its expiry, found by maintain': () => {
        now += HOUR_MS + MINUTE_MS;
        return queue.maintain();
      },
      'its expiry, found by a push long after': () => {
        now += 2 * HOUR_MS;
        return queue.push({ id: 'later', topic: 'other', body: 'b' });
      },
      'its expiry, found by who would take it': () => {
        now += HOUR_MS - 1000;
        return queue.pop('topic');
      },
      'its expiry, found by a push of its id': async (id) => {
        now += HOUR_MS - 1000;
        await queue.push({ id, topic: 'topic', body: 'newer' });
        return queue.pop('topic');
      },
    };
    for (const [what, end] of Object.entries(ends)) {
      await queue.push({ id: what, ...job, ...own, ttlMs: HOUR_MS - 2000 });
      expect(extras(), what).to.have.length(1);
      await end(what);
      expect(extras(), what).to.deep.equal([]);
    }
  });

  it('extras that were left behind are not used for a new job of the same row number', async () => {
    const left = '[{"attempt":1,"startedAt":1,"endedAt":2,"outcome":"lease_ended"}]';
    change(`INSERT INTO extras VALUES (1, 0, 77, 77, 'left', '${left}')`);
    const { id } = await queue.push(job);
    expect(rows('SELECT seq FROM job')).to.deep.equal([1]);
    const see = async (...reasons: unknown[]) => {
      for (const one of [(await queue.find(id))[0], (await queue.list('topic')).jobs[0]]) {
        expect(one?.retries).to.be.undefined;
        expect(one?.history?.map(({ reason }) => reason) ?? []).to.deep.equal(reasons);
      }
    };
    await see();
    const [first] = await reserve();
    expect(first?.key).to.match(/\.1$/);
    await queue.nack(first ? [first] : [], { reason: 'mine', delayMs: 0 });
    await see('mine');
    const [second] = await reserve();
    expect([second?.key, second?.retries]).to.deep.equal([first?.key, undefined]);
  });

  it('two successive jobs of one row number each have their own retry settings', async () => {
    await queue.push({ id: 'one', ...job, ...own });
    await queue.ack(await reserve());
    await queue.push({ id: 'two', ...job, retries: 7 });
    expect(rows('SELECT seq FROM job')).to.deep.equal([1]);
    expect((await queue.find('two'))[0])
      .to.include({ retries: 7 })
      .and.not.have.property('backoff');
    await queue.pop('topic');
    await queue.push({ id: 'three', ...job });
    expect((await queue.find('three'))[0]).to.not.have.any.keys('retries', 'backoff', 'history');
  });

  it('a body of many pages is unchanged when the history of its job is written', async () => {
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 256));
    await queue.push({ id: 'id', topic: 'topic', body, ...own });
    for (let i = 0; i < 3; i += 1)
      await queue.nack(await reserve(), { delayMs: 0, reason: 'x'.repeat(4000) });
    const [popped] = await queue.popMany('topic', 1);
    expect([popped?.retries, popped?.body.equals(body)]).to.deep.equal([5, true]);
  });

  it('maintain deletes locks that have expired', async () => {
    for (const name of ids(5)) await queue.lock({ name, owner: 'killed' });
    expect(rows('SELECT owner FROM lock')).to.have.length(5);
    await queue.push(job);
    await reserve();
    now += 60_000;
    await queue.maintain();
    expect(rows('SELECT owner FROM lock')).to.deep.equal([]);
  });
});
