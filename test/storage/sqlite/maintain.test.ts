import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { ids, useFolder } from './files.js';

describe('maintenance of an SQLite file', () => {
  const folder = useFolder();

  it('a file does not grow under a steady load', async () => {
    const queue = await folder.openQueue();
    const round = async () => {
      await queue.pushMany(ids(2000).map((id) => ({ id, topic: 'topic', body: 'x'.repeat(200) })));
      for (let left = 2000; left > 0;) left -= (await queue.popMany('topic', 500)).length;
    };
    const sizes = () => ['', '-wal'].map((end) => statSync(folder.path(`queue.db${end}`)).size);
    // Until the log has been moved into the file: that is how large both are from then on.
    await round();
    const [atFirst = 0] = sizes();
    while (sizes()[0] === atFirst) await round();
    const [file = 0] = sizes();
    for (let i = 0; i < 12; i += 1) await round();
    const [fileThen = 0, log = 0] = sizes();
    expect(fileThen).to.be.at.most(1.1 * file);
    expect(log).to.be.at.most(17 * 1024 * 1024);
  });

  it('a push clears away jobs that have been expired for a while', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.pushMany(ids(100).map((id) => ({ id, topic: 'topic', body: 'b', ttlMs: 1000 })));
    now += 2000;
    await queue.push({ id: 'soon', topic: 'other', body: 'b' });
    expect((await queue.stats()).topics.find(({ expired = 0 }) => expired > 0)?.expired).to.equal(100);
    now += 120_000;
    for (const id of ids(10, 'later')) await queue.push({ id, topic: 'other', body: 'b' });
    expect((await queue.stats()).topics.map(({ topic }) => topic.toString())).to.deep.equal(['other']);
  });

  it('a push or a pop clears away some expired jobs at a time, and none that is leased', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.push({ id: 'leased', topic: 'topic', body: 'b', ttlMs: 500 });
    await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 3_600_000 });
    await queue.pushMany(ids(100).map((id) => ({ id, topic: 'topic', body: 'b', ttlMs: 1000 })));
    now += 120_000;
    await queue.push({ id: 'later', topic: 'other', body: 'b' });
    const expired = async () => (await queue.stats()).topics.find(({ expired = 0 }) => expired > 0);
    expect(await expired()).to.include({ expired: 89, leased: 1 });
    await queue.pop('other');
    expect(await expired()).to.include({ expired: 79, leased: 1 });
    expect((await queue.find('leased'))[0]?.state).to.equal('leased');
  });

  it('stats count every one of many jobs, also of those that expired together', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    const job = { topic: 'topic', body: 'b' };
    await queue.pushMany(ids(6000, 'expired').map((id) => ({ ...job, id, ttlMs: 1000 })));
    await queue.pushMany(ids(50_500, 'delayed').map((id) => ({ ...job, id, delayMs: 60_000 })));
    now += 2000;
    expect((await queue.stats()).topics[0]).to.include({ ready: 0, expired: 6000, delayed: 50_500 });
  });

  it('maintain clears expired jobs away in steps, and says when there is more', async () => {
    let now = Date.UTC(2026, 0, 1);
    const store = await folder.open('queue.db', { now: () => now });
    const job = { topic: Buffer.from('t'), body: Buffer.from('b'), due: { delayMs: 0 }, ttlMs: 1000 };
    await store.push({
      jobs: ids(1200).map((id) => ({ ...job, id: Buffer.from(id) })),
      onExisting: 'refuse',
    });
    now += 2000;
    const steps = [
      await store.maintain(),
      await store.maintain(),
      await store.maintain(),
      await store.maintain(),
    ];
    expect(steps.map(({ expired }) => expired)).to.deep.equal([500, 500, 200, 0]);
    expect(steps.map(({ more }) => more)).to.deep.equal([true, true, false, false]);
  });

  it('a job is ready as soon as it is due by the clock of the store, with no maintenance', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    expect(queue.needsPromotion).to.be.false;
    await queue.push({ id: 'id', topic: 'topic', body: 'b', delayMs: 60_000 });
    now += 59_999;
    expect(await queue.pop('topic')).to.be.undefined;
    now += 1;
    expect((await queue.find('id'))[0]?.state).to.equal('ready');
    expect((await queue.pop('topic'))?.id.toString()).to.equal('id');
  });

  it('find counts no expired job among those that come before a ready one', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    const job = { topic: 'topic', body: 'b' };
    await queue.pushMany([{ ...job, ttlMs: 1000 }, job, { ...job, id: 'id' }]);
    expect((await queue.find('id'))[0]?.readyAhead).to.equal(2);
    now += 1000;
    expect((await queue.find('id'))[0]?.readyAhead).to.equal(1);
  });

  it('list has a job once in the very millisecond in which it is due', async () => {
    const now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.push({ id: 'id', topic: 'topic', body: 'b' });
    const { jobs } = await queue.list('topic', { limit: 10 });
    expect(jobs.map(({ state }) => state)).to.deep.equal(['ready']);
  });

  it('leases and ready lifetimes end to the millisecond by the clock of the store', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.pushMany(ids(2).map((id) => ({ id, topic: 'topic', body: 'b', ttlMs: 1000 })));
    await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 500 });
    now += 499;
    expect((await queue.find('0'))[0]?.state).to.equal('leased');
    await queue.maintain();
    expect((await queue.find('0'))[0]?.state).to.equal('leased');
    now += 1;
    expect((await queue.maintain()).reclaimed).to.equal(1);
    now += 499;
    expect((await queue.pop('topic'))?.id.toString()).to.equal('0');
    now += 1;
    expect((await queue.find('1'))[0]?.state).to.equal('expired');
    expect(await queue.pop('topic')).to.be.undefined;
  });

  it('a body longer than a page keeps its bytes through reserve, release and pop', async () => {
    const queue = await folder.openQueue();
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 256));
    await queue.push({ id: 'id', topic: 'topic', body });
    const { jobs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 60_000 });
    expect(jobs[0]?.body.equals(body)).to.be.true;
    await queue.release(jobs);
    expect((await queue.pop('topic'))?.body.equals(body)).to.be.true;
  });

  it('a store that is closed twice ends its waits, and fails every call after that', async () => {
    const store = await folder.open();
    const waits = [
      store.waitForReady({ topics: [Buffer.from('t')], maxMs: 3_600_000 }),
      store.waitForPush({ maxMs: 3_600_000 }),
    ];
    await sleep(20); // Lets the waits begin; it is right without, and tests less.
    await store.close();
    await store.close();
    await Promise.all(waits);
    expect(await store.maintain().catch((error: unknown) => error)).to.include({ code: 'internal' });
  });
});
