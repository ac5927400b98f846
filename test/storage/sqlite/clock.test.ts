import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { LOCK_MS } from '../../../src/core/lease.js';
import { ProcessClock } from '../../support/clock.js';
import { must } from '../../support/jobs.js';
import { startChild } from './children.js';
import { useFolder } from './files.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('an SQLite store on a clock that jumps', () => {
  const folder = useFolder();
  /** The wall clock, how long (ms) the machine has run and slept, and the boot id. */
  let [wall, ran, slept, boot] = [0, 0, 0, 'first'];
  beforeEach(() => {
    [wall, ran, slept, boot] = [Date.UTC(2026, 0, 1), 1_000_000, 0, 'first'];
  });
  const options = {
    now: () => wall,
    running: { boot: () => boot, monotonicMs: () => ran, uptimeMs: () => ran + slept },
  };
  const openQueue = () => folder.openQueue('queue.db', options);
  const pass = (ms: number) => {
    wall += ms;
    ran += ms;
  };
  const push = (queue: Queue, id: string, topic = 'topic') =>
    queue.push({ id, topic, body: 'b', ttlMs: 7 * DAY });
  const clocks = async (queue: Queue) => (await queue.health()).map(({ code }) => code);

  it('a clock set eight days ahead deletes no ready job, and health reports clock_jumped', async () => {
    const queue = await openQueue();
    await push(queue, 'ready');
    wall += 8 * DAY;
    await push(queue, 'other', 'other');
    expect((await queue.maintain()).expired).to.equal(0);
    expect(await queue.pop('topic')).to.be.undefined;
    expect(await clocks(queue)).to.deep.equal(['clock_jumped']);
    expect((await queue.health())[0]?.message).to.contain('8d ahead');
    wall -= 8 * DAY;
    expect((await queue.pop('topic'))?.id.toString()).to.equal('ready');
  });

  it('a push of an id whose job seems expired by a jump keeps that job as a dead letter', async () => {
    const queue = await openQueue();
    await push(queue, 'id');
    wall += 8 * DAY;
    expect((await push(queue, 'id')).outcome).to.equal('pushed');
    expect((await queue.find('id')).map(({ state }) => state)).to.deep.equal(['ready', 'dead']);
  });

  it('ready jobs behind those that seem expired are delivered', async () => {
    const queue = await openQueue();
    await push(queue, 'before');
    wall += 8 * DAY;
    await push(queue, 'after');
    expect((await queue.pop('topic'))?.id.toString()).to.equal('after');
    expect(await queue.find('before')).to.have.length(1);
  });

  it('a clock that stays ahead is trusted after the machine has run for an hour', async () => {
    const queue = await openQueue();
    await push(queue, 'id');
    wall += 8 * DAY;
    await queue.maintain();
    for (let minute = 0; minute < 59; minute += 1) {
      pass(60_000);
      expect((await queue.maintain()).expired).to.equal(0);
    }
    pass(60_000);
    await queue.maintain();
    pass(60_000);
    await queue.maintain();
    expect(await queue.find('id')).to.be.empty;
    expect(await clocks(queue)).to.be.empty;
  });

  for (const [what, jumpMs] of [
    ['an hour back', -HOUR],
    ['an hour ahead', HOUR],
  ] as const) {
    it(`a lease ends when its time has run, though the clock was set ${what}`, async () => {
      const queue = await openQueue();
      await push(queue, 'id');
      await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 10_000 });
      wall += jumpMs;
      pass(9000);
      expect((await queue.maintain()).reclaimed).to.equal(0);
      expect((await queue.find('id'))[0]?.state).to.equal('leased');
      pass(1000);
      expect((await queue.maintain()).reclaimed).to.equal(1);
    });
  }

  for (const [what, jumpMs] of [
    ['an hour back', -HOUR],
    ['an hour ahead', HOUR],
  ] as const) {
    it(`a lock is held until its time has run, though the clock was set ${what}`, async () => {
      const queue = await openQueue();
      const [first, second] = ['first', 'second'].map((owner) => ({ name: 'lock', owner }));
      expect(await queue.lock(must(first))).to.equal(true);
      wall += jumpMs;
      pass(LOCK_MS - 1000);
      // The next write notices the jump.
      await push(queue, 'id');
      expect(await queue.lock(must(second))).to.equal(false);
      pass(1000);
      expect(await queue.lock(must(second))).to.equal(true);
    });
  }

  it('a job that expired while the machine was off is deleted after an hour of running, and health reports nothing', async () => {
    const queue = await openQueue();
    await push(queue, 'id');
    await queue.close();
    [wall, ran, boot] = [wall + 8 * DAY, 5000, 'second'];
    const again = await openQueue();
    expect((await again.maintain()).expired).to.equal(0);
    expect(await clocks(again)).to.be.empty;
    for (let minutes = 0; minutes <= 62; minutes += 2) {
      pass(120_000);
      await again.maintain();
    }
    expect(await again.find('id')).to.be.empty;
  });

  it('a machine that slept does not count as a jump', async () => {
    const queue = await openQueue();
    await push(queue, 'id');
    wall += 8 * DAY;
    slept += 8 * DAY;
    expect((await queue.maintain()).expired).to.equal(1);
    expect(await clocks(queue)).to.be.empty;
  });

  it('a process whose clock is eight days ahead does not delete jobs of other processes', async () => {
    const queue = await folder.openQueue();
    await queue.push({ id: 'id', topic: 'topic', body: 'b', ttlMs: DAY });
    const clock = new ProcessClock(folder.path('clock'));
    clock.advance(8 * DAY);
    const child = startChild(['push', folder.path(), 'ahead', 1], { env: clock.env });
    expect(await child.ended()).to.deep.equal(['ahead0']);
    expect((await queue.find('ahead0'))[0]?.dueAt?.getTime()).to.be.greaterThan(Date.now() + 7 * DAY);
    expect((await queue.pop('topic'))?.id.toString()).to.equal('id');
  });

  it('a jump that a rolled back transaction noticed is noticed again by the next one', async () => {
    const queue = await folder.openQueue('queue.db', { ...options, maxPages: 40 });
    await push(queue, 'id');
    wall += 8 * DAY;
    await queue.push({ topic: 'big', body: Buffer.alloc(1_000_000) }).catch(() => undefined);
    expect((await queue.maintain()).expired).to.equal(0);
    expect(await queue.find('id')).to.have.length(1);
  });
});
