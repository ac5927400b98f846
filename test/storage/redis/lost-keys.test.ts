import { expect } from 'chai';
import { LONG_MS, maintainAll, reserve, SECOND_MS, textOf } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** Keys are lost one by one when Redis evicts, or when a user deletes them. */
describe('keys of Redis that were deleted or evicted:', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const job = { id: '1', topic: 'topic', body: 'b' };

  async function deleteKeys(pattern: string): Promise<void> {
    for (const name of await ground.raw.keys(key(pattern))) await ground.raw.del(name);
  }

  for (const [what, extendOne] of [
    ['a reservation', false],
    ['a lease that was extended alone', true],
  ] as const) {
    it(`without the record of ${what} its leases are lost, and no key is left behind`, async () => {
      const queue = ground.queue();
      await queue.pushMany([job, { ...job, id: '2' }]);
      const jobs = await reserve(queue, 'topic', 2, SECOND_MS);
      if (extendOne) await queue.extend(jobs.slice(0, 1), 2 * SECOND_MS);
      await deleteKeys('inflight:*');
      ground.clock.advance(3 * SECOND_MS);
      const { reclaimed, nextInMs } = await queue.maintain();
      expect({ reclaimed, nextInMs }).to.deep.equal({ reclaimed: 0, nextInMs: undefined });
      expect(await queue.ack(jobs)).to.deep.equal([false, false]);
      expect(await ground.raw.keys(key('*'))).to.be.empty;
    });
  }

  it('a delayed job without its body does not block the older job of its id', async () => {
    const queue = ground.queue();
    await queue.push({ ...job, body: 'first' });
    const jobs = await reserve(queue, 'topic');
    await queue.push({ ...job, body: 'second', delayMs: LONG_MS });
    await ground.raw.del(key('job_bucket:1'));
    await queue.release(jobs);
    expect(textOf(await queue.pop('topic'))).to.equal('first');
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a ready job without its body field is skipped', async () => {
    const queue = ground.queue();
    await queue.pushMany([job, { ...job, id: '2', body: 'next' }]);
    await maintainAll(queue);
    await ground.raw.hdel(key('job_bucket:1'), 'body');
    expect(textOf(await queue.pop('topic'))).to.equal('next');
  });

  it('without the record of its waiting jobs an id leaves no key behind', async () => {
    const queue = ground.queue();
    await queue.push(job);
    const jobs = await reserve(queue, 'topic');
    await queue.push({ ...job, body: 'duplicate', delayMs: LONG_MS });
    await queue.release(jobs);
    expect(await queue.find('1')).to.have.length(2);
    await deleteKeys('waiting:*');
    expect(await queue.find('1')).to.have.length(1);
    ground.clock.advance(2 * SECOND_MS);
    await maintainAll(queue);
    await queue.remove('1');
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a deleted dead letter is not found, and leaves no key behind', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { dead: true, deadTtlMs: SECOND_MS });
    await deleteKeys('dead_letter:*');
    expect(await queue.find('1')).to.be.empty;
    expect(await queue.requeue(['1'])).to.deep.equal(['none']);
    ground.clock.advance(2 * SECOND_MS);
    expect(await queue.maintain()).to.include({ deleted: 0 });
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('ready jobs without their notes are delivered in order, also after a release', async () => {
    const queue = ground.queue();
    await queue.pushMany(['1', '2', '3'].map((id) => ({ ...job, id, body: id })));
    await maintainAll(queue);
    await ground.raw.del(key('ready_due'));
    const jobs = await reserve(queue, 'topic', 2);
    expect(jobs.map(textOf)).to.deep.equal(['1', '2']);
    await queue.release(jobs);
    expect((await queue.popMany('topic', 3)).map(textOf)).to.deep.equal(['1', '2', '3']);
  });

  it('a deleted pause ends', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.pause('topic');
    expect(await queue.pop('topic')).to.be.undefined;
    await ground.raw.del(key('paused'));
    expect(textOf(await queue.pop('topic'))).to.equal('b');
  });
});

describe('keys that Redis needs no more:', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const job = { id: '1', topic: 'topic', body: 'b' };

  it('a job that is removed in any state leaves none', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await maintainAll(queue);
    await queue.push({ ...job, id: '2' });
    await queue.removeMany(['1', '2'], { states: 'any' });
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a job that was nacked, dead, requeued, released, extended and acked leaves none', async () => {
    const queue = ground.queue();
    await queue.pushMany([job, { ...job, id: '2' }]);
    await queue.nack(await reserve(queue, 'topic', 2), { delayMs: 0 });
    await queue.nack(await reserve(queue, 'topic', 2), { dead: true });
    expect(await queue.requeue(['1', '2'])).to.deep.equal(['requeued', 'requeued']);
    await queue.release(await reserve(queue, 'topic', 2));
    const jobs = await reserve(queue, 'topic', 2);
    await queue.extend(jobs.slice(1), 2 * LONG_MS);
    expect(await queue.ack(jobs)).to.deep.equal([true, true]);
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a dead letter whose time is over leaves none', async () => {
    const queue = ground.queue();
    await queue.push(job);
    await queue.nack(await reserve(queue, 'topic'), { dead: true, deadTtlMs: SECOND_MS });
    ground.clock.advance(2 * SECOND_MS);
    expect(await queue.maintain()).to.include({ deleted: 1 });
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('a pause that is over leaves none after the next pop', async () => {
    const queue = ground.queue();
    await queue.pause(['topic', 'other'], { forMs: SECOND_MS });
    ground.clock.advance(2 * SECOND_MS);
    expect(await queue.pop(['topic', 'other'])).to.be.undefined;
    expect(await ground.raw.keys(key('*'))).to.be.empty;
  });

  it('an old announcement of a daemon is deleted when another daemon announces itself', async () => {
    const queue = ground.queue();
    await ground.raw.zadd(key('daemons'), '1000', 'long ago');
    await queue.announce('daemon');
    expect(await ground.raw.zrange(key('daemons'), '0', '-1')).to.deep.equal(['daemon']);
  });
});
