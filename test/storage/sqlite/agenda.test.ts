import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { readAgenda } from '../../../src/storage/sqlite/agenda.js';
import { openConnection } from '../../../src/storage/sqlite/open.js';
import { failureOf } from '../../support/eventually.js';
import { push } from '../../../src/storage/sqlite/push.js';
import { ids, newJob, useFolder } from './files.js';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

describe('what a process remembers of an SQLite file between its calls', () => {
  const folder = useFolder();
  let now: number;
  let queue: Queue;
  let other: Queue;

  /** Both have popped since, and know that nothing is due. */
  beforeEach(async () => {
    now = Date.UTC(2026, 0, 1);
    const options = { now: () => now };
    [queue, other] = [
      await folder.openQueue('queue.db', options),
      await folder.openQueue('queue.db', options),
    ];
    await queue.pushMany([1, 2, 3, 4].map(() => ({ topic: 'warm', body: 'b' })));
    for (const id of ['a', 'b', 'c']) await queue.push({ id, topic: 'topic', body: id });
    // One that reads all of the agenda, and one that need not.
    for (const one of [other, other, queue, queue]) await one.pop('warm');
  });

  const popped = async () => (await queue.pop('topic'))?.id.toString();
  const leaseOne = (by: Queue, leaseMs: number) => by.reserve({ topics: 'topic', limit: 1, leaseMs });

  it('a lease of another process that has ended brings its job back at the next pop', async () => {
    await leaseOne(other, SECOND);
    expect(await popped()).to.equal('b');
    now += SECOND;
    expect(await popped()).to.equal('a');
  });

  it('a lease of its own that has ended brings its job back at the next pop', async () => {
    await leaseOne(queue, SECOND);
    expect(await popped()).to.equal('b');
    now += SECOND;
    expect(await popped()).to.equal('a');
  });

  it('a lease that another process has let end sooner brings its job back at that time', async () => {
    const { jobs } = await leaseOne(queue, HOUR);
    expect(await popped()).to.equal('b');
    await other.extend(jobs, SECOND);
    now += SECOND;
    expect(await popped()).to.equal('a');
  });

  it('a job that was given back with a delay comes when it is due', async () => {
    const { jobs } = await leaseOne(queue, HOUR);
    await queue.nack(jobs, { delayMs: SECOND });
    expect(await popped()).to.equal('b');
    now += SECOND;
    expect(await popped()).to.equal('c');
    expect(await popped()).to.equal('a');
  });

  it('a pause and its end count at the next pop, whoever made them', async () => {
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

  it('a job whose ready lifetime is over is not popped, and the one behind it is', async () => {
    await other.push({ id: 'brief', topic: 'brief', body: 'b', ttlMs: SECOND });
    await other.push({ id: 'next', topic: 'brief', body: 'b' });
    now += SECOND;
    expect((await queue.pop('brief'))?.id.toString()).to.equal('next');
  });

  it('expired jobs are cleared away by pushes', async () => {
    await queue.push({ id: 'brief', topic: 'brief', body: 'b', ttlMs: SECOND });
    now += HOUR;
    await queue.push({ id: 'd', topic: 'topic', body: 'b' });
    expect(await queue.find('brief')).to.be.empty;
  });

  it('a job that is pushed is known to expire', async () => {
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

  it('a pop of one gives retry settings and long bodies as a pop of many does', async () => {
    const body = Buffer.alloc(100_000, 7);
    await queue.push({ id: 'long', topic: 'special', body });
    await queue.push({ id: 'own', topic: 'special', body: 'b', retries: 7 });
    const long = await queue.pop('special');
    expect(long?.body.length).to.equal(100_000);
    expect(Buffer.compare(long?.body ?? Buffer.alloc(0), body)).to.equal(0);
    expect(await queue.pop('special')).to.deep.include({ retries: 7, attempts: 1, state: 'ready' });
    expect(await queue.pop('special')).to.equal(undefined);
  });

  it('a job that was leased before is popped with its attempts counted', async () => {
    const { jobs } = await leaseOne(queue, HOUR);
    await queue.nack(jobs, { delayMs: 0 });
    const again = (await queue.popMany('topic', 3)).find(({ id }) => id.toString() === 'a');
    expect(again?.attempts).to.equal(2);
  });

  it('what a transaction has read and rolled back is not remembered', async () => {
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

  it('a push of an id that is there answers as before: a repeat, a conflict, a replacement', async () => {
    const push = (body: string, onExisting: 'keep' | 'replace' | 'refuse' = 'refuse') =>
      queue.push({ id: 'a', topic: 'topic', body }, { onExisting });
    expect((await push('a')).outcome).to.equal('repeated');
    expect((await push('x', 'keep')).outcome).to.equal('kept');
    expect(await failureOf(push('x'))).to.include({ code: 'job_exists' });
    expect((await push('x', 'replace')).outcome).to.equal('replaced');
    expect(await popped()).to.equal('b');
  });
});
