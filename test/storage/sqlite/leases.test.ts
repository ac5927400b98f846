import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { openDatabase } from '../../../src/storage/sqlite/driver.js';
import { ids, useFolder } from './files.js';

describe('leases in an SQLite file', () => {
  const folder = useFolder();
  let now = 0;
  let queue: Queue;
  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    queue = await folder.openQueue('queue.db', { now: () => now });
  });

  const pushIds = (count: number, ttlMs = 60_000) =>
    queue.pushMany(ids(count).map((id) => ({ id, topic: 'topic', body: 'b', ttlMs })));
  const reserve = async (limit: number, leaseMs = 1000) =>
    (await queue.reserve({ topics: 'topic', limit, leaseMs })).jobs;
  const popIds = async () => (await queue.popMany('topic', 9)).map(({ id }) => id.toString());
  const rowsOf = (sql: string) => {
    const database = openDatabase(folder.path());
    try {
      return database
        .prepare(sql)
        .all()
        .map((row) => ({ ...(row as object) }));
    } finally {
      database.close();
    }
  };

  it('a remove in any state deletes the leased and the delayed job of an id, once', async () => {
    await queue.push({ id: 'id', topic: 'topic', body: 'first' });
    const jobs = await reserve(1);
    await queue.push({ id: 'id', topic: 'topic', body: 'second', delayMs: 60_000 });
    const results = await queue.removeMany(['id', 'id'], { states: 'any' });
    expect(results.map(({ removed }) => removed)).to.deep.equal([true, false]);
    expect(await queue.find('id')).to.be.empty;
    expect(await queue.ack(jobs)).to.deep.equal([false]);
    expect(rowsOf('SELECT * FROM lease')).to.be.empty;
  });

  it('a lease that is extended alone outlives the others of its reservation', async () => {
    await pushIds(5);
    const jobs = await reserve(5);
    await queue.ack(jobs.slice(1, 2));
    await queue.release(jobs.slice(3, 4));
    await queue.extend(jobs.slice(0, 1), 10_000);
    now += 5000;
    expect(await popIds()).to.deep.equal(['2', '3', '4']);
    expect((await queue.find('0'))[0]).to.deep.include({
      lease: jobs[0]?.lease,
      leaseUntil: new Date(now + 5000),
    });
    expect(await queue.ack(jobs)).to.deep.equal([true, false, false, false, false]);
    expect(rowsOf('SELECT * FROM lease')).to.be.empty;
  });

  it('leases that are all extended together stay one record', async () => {
    await pushIds(4);
    const jobs = await reserve(4);
    await queue.ack(jobs.slice(1, 2));
    await queue.extend(
      [jobs[0], jobs[2], jobs[3]].flatMap((job) => job ?? []),
      10_000,
    );
    expect(rowsOf('SELECT ends_at AS at FROM lease')).to.have.deep.ordered.members([{ at: now + 10_000 }]);
    now += 5000;
    expect(await popIds()).to.be.empty;
    expect(await queue.ack(jobs)).to.deep.equal([true, false, true, true]);
  });

  it('a lease that was extended alone can be extended again, released, nacked and removed', async () => {
    await pushIds(4);
    const jobs = await reserve(4);
    for (const job of jobs) await queue.extend([job], 2000);
    expect(rowsOf('SELECT * FROM lease')).to.have.length(4);
    const [first, second, third, fourth] = jobs.map((job) => [job]);
    const until = await queue.extend([...(first ?? []), ...(fourth ?? [])], 5000);
    expect(until).to.deep.equal([new Date(now + 5000), new Date(now + 5000)]);
    expect(await queue.release(second ?? [])).to.deep.equal([true]);
    expect(areHeld(await queue.nack(third ?? [], { delayMs: 100 }))).to.deep.equal([true]);
    expect(await queue.removeMany(['3'], { states: ['leased'] })).to.deep.equal([
      { removed: true, state: 'leased' },
    ]);
    now += 4999;
    expect(await popIds()).to.deep.equal(['1', '2']);
    now += 1;
    expect((await queue.maintain()).reclaimed).to.equal(1);
    expect(await queue.ack(jobs)).to.deep.equal([false, false, false, false]);
    expect(await popIds()).to.deep.equal(['0']);
  });

  it('the ready lifetime stands still while a job is leased', async () => {
    await pushIds(1, 1000);
    now += 400;
    const jobs = await reserve(1, 5000);
    now += 3000;
    await queue.release(jobs);
    now += 599;
    expect((await queue.find('0'))[0]).to.include({ state: 'ready' });
    await reserve(1, 5000);
    now += 7000;
    expect((await queue.maintain()).reclaimed).to.equal(1);
    expect((await queue.find('0'))[0]).to.include({ state: 'ready', attempts: 1 });
    now += 1;
    expect((await queue.find('0'))[0]).to.include({ state: 'expired' });
  });

  it('a job that waits for a duplicate stays delayed beyond its ready lifetime', async () => {
    await pushIds(1, 1000);
    now += 400;
    const jobs = await reserve(1);
    await queue.push({ id: '0', topic: 'topic', body: 'newer', delayMs: 60_000 });
    await queue.release(jobs);
    for (let i = 0; i < 30; i += 1) {
      now += 1000;
      expect((await queue.maintain()).reclaimed).to.equal(0);
    }
    expect((await queue.find('0'))[1]).to.deep.include({
      state: 'delayed',
      attempts: 0,
      blockedBy: { type: 'duplicate_id' },
    });
  });

  it('a remove of a job that waits for a duplicate leaves no row behind', async () => {
    await pushIds(1);
    const jobs = await reserve(1);
    await queue.push({ id: '0', topic: 'topic', body: 'newer', delayMs: 60_000 });
    await queue.release(jobs);
    expect(await queue.remove('0')).to.be.true;
    expect(await queue.find('0')).to.be.empty;
    expect(rowsOf('SELECT * FROM waiting')).to.be.empty;
    expect((await queue.maintain()).nextInMs).to.be.undefined;
  });

  it('a job that waited for a duplicate comes back with the rest of its ready lifetime', async () => {
    await pushIds(1, 1000);
    now += 400;
    const jobs = await reserve(1);
    await queue.push({ id: '0', topic: 'other', body: 'newer', delayMs: 60_000 });
    await queue.release(jobs);
    now += 60_000;
    expect((await queue.pop('other'))?.body.toString()).to.equal('newer');
    now += 1000;
    expect((await queue.maintain()).reclaimed).to.equal(1);
    now += 599;
    expect((await queue.find('0'))[0]).to.include({ state: 'ready' });
    now += 1;
    expect((await queue.find('0'))[0]).to.include({ state: 'expired' });
  });

  it('jobs of one reservation that wait for duplicates each come back once', async () => {
    const push = (body: string) => queue.pushMany(ids(3).map((id) => ({ id, topic: 'topic', body })));
    await push('first');
    await reserve(3);
    await push('second');
    for (let i = 0; i < 3; i += 1) {
      now += 1000;
      expect((await queue.maintain()).reclaimed).to.equal(0);
    }
    const second = await queue.popMany('topic', 9);
    now += 1000;
    const first = await queue.popMany('topic', 9);
    expect(second.map(({ body }) => body.toString())).to.deep.equal(['second', 'second', 'second']);
    expect(first.map(({ body, attempts }) => [body.toString(), attempts])).to.deep.equal(
      ids(3).map(() => ['first', 2]),
    );
    expect((await queue.stats()).topics).to.be.empty;
    expect(rowsOf('SELECT * FROM waiting')).to.be.empty;
  });

  it('a dead letter is deleted at its time by maintain, and within a minute after it by pops', async () => {
    await pushIds(3);
    const jobs = await reserve(3);
    await queue.nack(jobs.slice(0, 2), { dead: true, deadTtlMs: 1000, reason: 'why' });
    await queue.nack(jobs.slice(2), { dead: true, deadTtlMs: 0 });
    expect((await queue.find('0'))[0]).to.deep.include({
      state: 'dead',
      reason: 'why',
      attempts: 1,
      failedAt: new Date(now),
      deadUntil: new Date(now + 1000),
    });
    expect((await queue.find('2'))[0]).to.deep.include({ state: 'dead', deadUntil: undefined });
    expect(await queue.requeue(['1'])).to.deep.equal(['requeued']);
    await queue.nack(await reserve(1), { dead: true, deadTtlMs: 2000 });
    now += 1000;
    expect((await queue.maintain()).deleted).to.equal(1);
    now += 61_000;
    await queue.pop('other');
    expect(await queue.find('1')).to.be.empty;
    expect((await queue.find('2')).map(({ state }) => state)).to.deep.equal(['dead']);
    expect(rowsOf('SELECT seq FROM dead')).to.have.length(1);
  });

  it('maintain deletes at most 500 dead letters at a time', async () => {
    const topic = 'topic';
    for (let round = 0; round < 3; round += 1) {
      await queue.pushMany(ids(400, `${round}-`).map((id) => ({ id, topic, body: 'b' })));
      await queue.nack(await reserve(400), { dead: true, deadTtlMs: 1000 });
    }
    now += 1000;
    const steps = [await queue.maintain(), await queue.maintain(), await queue.maintain()];
    expect(steps.map(({ deleted }) => deleted)).to.deep.equal([500, 500, 200]);
    expect(steps.map(({ more }) => more)).to.deep.equal([true, true, false]);
  });
});
