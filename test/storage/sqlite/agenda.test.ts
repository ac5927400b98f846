import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { readAgenda } from '../../../src/storage/sqlite/agenda.js';
import { openConnection } from '../../../src/storage/sqlite/open.js';
import { failureOf } from '../../support/eventually.js';
import { push } from '../../../src/storage/sqlite/push.js';
import { ids, newJob, useFolder } from './files.js';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

describe('what an SQLite connection caches between calls', () => {
  const folder = useFolder();
  let now: number;
  let queue: Queue;
  let other: Queue;

  /** Both queues have popped after the pushes, and know that nothing else is due. */
  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    const options = { now: () => now };
    [queue, other] = [
      await folder.openQueue('queue.db', options),
      await folder.openQueue('queue.db', options),
    ];
    await queue.pushMany([1, 2, 3, 4].map(() => ({ topic: 'warm', body: 'b' })));
    for (const id of ['a', 'b', 'c']) await queue.push({ id, topic: 'topic', body: id });
    // The first pop of each reads the whole agenda, the second uses what was cached.
    for (const one of [other, other, queue, queue]) await one.pop('warm');
  });

  const popped = async () => (await queue.pop('topic'))?.id.toString();
  const leaseOne = (by: Queue, leaseMs: number) => by.reserve({ topics: 'topic', limit: 1, leaseMs });

  it('a pop brings back the job of an ended lease of another process', async () => {
    await leaseOne(other, SECOND);
    expect(await popped()).to.equal('b');
    now += SECOND;
    expect(await popped()).to.equal('a');
  });

  it('a pop brings back the job of an ended lease of its own', async () => {
    await leaseOne(queue, SECOND);
    expect(await popped()).to.equal('b');
    now += SECOND;
    expect(await popped()).to.equal('a');
  });

  it('a pop brings back a job when another process has shortened its lease', async () => {
    const { jobs } = await leaseOne(queue, HOUR);
    expect(await popped()).to.equal('b');
    await other.extend(jobs, SECOND);
    now += SECOND;
    expect(await popped()).to.equal('a');
  });

  it('a pop returns a nacked job when its delay is over', async () => {
    const { jobs } = await leaseOne(queue, HOUR);
    await queue.nack(jobs, { delayMs: SECOND });
    expect(await popped()).to.equal('b');
    now += SECOND;
    expect(await popped()).to.equal('c');
    expect(await popped()).to.equal('a');
  });

  it('a pop sees the start and the end of a pause by any process', async () => {
    for (const by of [queue, other]) {
      await by.pause('topic');
      expect(await popped()).to.equal(undefined);
      await by.resume('topic');
      expect(await popped()).to.be.oneOf(['a', 'b']);
    }
    await other.pause('topic', { forMs: SECOND });
    expect(await popped()).to.equal(undefined);
    now += SECOND;
    expect(await popped()).to.equal('c');
  });

  it('a pop skips a job that has expired, and returns the one behind it', async () => {
    await other.push({ id: 'brief', topic: 'brief', body: 'b', ttlMs: SECOND });
    await other.push({ id: 'next', topic: 'brief', body: 'b' });
    now += SECOND;
    expect((await queue.pop('brief'))?.id.toString()).to.equal('next');
  });

  it('a push clears expired jobs away', async () => {
    await queue.push({ id: 'brief', topic: 'brief', body: 'b', ttlMs: SECOND });
    now += HOUR;
    await queue.push({ id: 'd', topic: 'topic', body: 'b' });
    expect(await queue.find('brief')).to.be.empty;
  });

  it('a pushed job is known to expire, single or in a batch', async () => {
    const connection = await openConnection(folder.path(), { now: () => now });
    const expiring = (count: number, ttlMs: number) =>
      ids(count, `${ttlMs}-`).map((id) => newJob(id, 'topic', 'b', ttlMs));
    for (const [count, ttlMs] of [
      [1, HOUR],
      [25, SECOND],
      [1, 500],
    ] as const) {
      await push(connection, { jobs: expiring(count, ttlMs), onExisting: 'refuse' });
      expect(connection.agenda.noneExpired(now + ttlMs - 1), `${ttlMs}`).to.equal(true);
      expect(connection.agenda.noneExpired(now + ttlMs), `${ttlMs}`).to.equal(false);
    }
    connection.close();
  });

  it('a pop of one job returns retry settings and long bodies as a pop of many does', async () => {
    const body = Buffer.alloc(100_000, 7);
    await queue.push({ id: 'long', topic: 'special', body });
    await queue.push({ id: 'own', topic: 'special', body: 'b', retries: 7 });
    const long = await queue.pop('special');
    expect(long?.body.length).to.equal(100_000);
    expect(Buffer.compare(long?.body ?? Buffer.alloc(0), body)).to.equal(0);
    expect(await queue.pop('special')).to.deep.include({ retries: 7, attempts: 1, state: 'ready' });
    expect(await queue.pop('special')).to.equal(undefined);
  });

  it('a pop of many counts earlier attempts', async () => {
    const { jobs } = await leaseOne(queue, HOUR);
    await queue.nack(jobs, { delayMs: 0 });
    const again = (await queue.popMany('topic', 3)).find(({ id }) => id.toString() === 'a');
    expect(again?.attempts).to.equal(2);
  });

  it('what a transaction read before it was rolled back is not cached', async () => {
    await leaseOne(queue, SECOND);
    const connection = await openConnection(folder.path(), { now: () => now });
    const error = await failureOf(
      connection.write(() => {
        connection.run('DELETE FROM lease');
        expect(readAgenda(connection).leaseEnd).to.equal(Infinity);
        connection.agenda.keep();
        throw new Error('rolled back');
      }),
    );
    expect(error.message).to.contain('rolled back');
    now += SECOND;
    expect(connection.agenda.whileQuiet(now)).to.equal(undefined);
    connection.close();
    expect(await popped()).to.equal('a');
  });

  it('a push of an existing id returns repeated, kept, a conflict or replaced', async () => {
    const push = (body: string, onExisting: 'keep' | 'replace' | 'refuse' = 'refuse') =>
      queue.push({ id: 'a', topic: 'topic', body }, { onExisting });
    expect((await push('a')).outcome).to.equal('repeated');
    expect((await push('x', 'keep')).outcome).to.equal('kept');
    expect(await failureOf(push('x'))).to.include({ code: 'job_exists' });
    expect((await push('x', 'replace')).outcome).to.equal('replaced');
    expect(await popped()).to.equal('b');
  });
});
