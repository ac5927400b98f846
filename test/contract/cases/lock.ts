import { expect } from 'chai';
import { LOCK_MS } from '../../../src/core/lease.js';
import type { Queue } from '../../../src/core/queue.js';
import type { Lock } from '../../../src/core/requests.js';
import { LONG_MS, maintainAll, MINUTE_MS, only, reserve, SECOND_MS, textOf, type World } from '../world.js';

export function describeLock(world: () => World): void {
  /** Two owners of one lock, and a topic with a ready job. */
  async function ground() {
    const { queue, clock, name } = world();
    const topic = name('topic');
    clock.stop();
    await queue.push({ topic, body: 'b' });
    await maintainAll(queue);
    const lock = name('lock');
    return { topic, one: { name: lock, owner: 'one' }, two: { name: lock, owner: 'two' } };
  }
  const reserveUnder = (queue: Queue, topics: string, lock: Lock) =>
    queue.reserve({ topics, limit: 5, leaseMs: LONG_MS, lock });

  describe('lock', () => {
    it('a reserve takes a free lock, renews it, and returns jobs as without a lock', async () => {
      const { queue } = world();
      const { topic, one } = await ground();
      const { jobs, isLocked } = await reserveUnder(queue, topic, one);
      expect([jobs.map(textOf), isLocked ?? false]).to.deep.equal([['b'], false]);
      expect((await reserveUnder(queue, topic, one)).isLocked ?? false).to.be.false;
    });

    it('a reserve under a lock of another owner returns no jobs, and when the lock is free at the latest', async () => {
      const { queue, peer, clock, name } = world();
      const { topic, one, two } = await ground();
      await reserveUnder(queue, name('empty'), one);
      clock.advance(10 * SECOND_MS);
      const { jobs, isLocked, nextInMs } = await reserveUnder(peer, topic, two);
      expect([jobs, isLocked, nextInMs]).to.deep.equal([[], true, LOCK_MS - 10 * SECOND_MS]);
      expect(textOf(await peer.pop(topic))).to.equal('b');
    });

    it('a reserve under a lock of another owner does not end leases', async () => {
      const { queue, peer, clock, name } = world();
      const { topic, one, two } = await ground();
      const { id } = only(await reserve(queue, topic, 1, SECOND_MS));
      await queue.lock(one);
      clock.advance(2 * SECOND_MS);
      expect((await reserveUnder(peer, name('other'), two)).isLocked).to.be.true;
      expect(only(await queue.find(id)).state).to.equal('leased');
      expect((await peer.maintain()).reclaimed).to.equal(1);
    });

    it('a lock is free 30 s after it was last renewed, by a reserve or by lock', async () => {
      const { queue, peer, clock } = world();
      const { topic, one, two } = await ground();
      const renew = [() => reserveUnder(queue, topic, one), () => queue.lock(one)];
      for (const again of renew) {
        await queue.lock(one);
        clock.advance(LOCK_MS - 1);
        await again();
        clock.advance(LOCK_MS - 1);
        expect(await peer.lock(two)).to.be.false;
        clock.advance(2);
        expect(await peer.lock(two)).to.be.true;
        expect(await queue.lock(one)).to.be.false;
        expect((await reserveUnder(queue, topic, one)).isLocked).to.be.true;
        await peer.unlock(two);
      }
    });

    it('a lock is free when its owner unlocks it', async () => {
      const { queue, peer } = world();
      const { topic, one, two } = await ground();
      await reserveUnder(queue, topic, one);
      await queue.unlock(one);
      expect((await reserveUnder(peer, topic, two)).isLocked ?? false).to.be.false;
      expect(await queue.lock(one)).to.be.false;
    });

    it('an unlock by another owner, or of a free lock, changes nothing', async () => {
      const { queue, peer } = world();
      const { one, two } = await ground();
      await queue.unlock(one);
      expect(await queue.lock(one)).to.be.true;
      await peer.unlock(two);
      expect(await peer.lock(two)).to.be.false;
      expect(await queue.lock(one)).to.be.true;
    });

    it('locks with different names, of any bytes, are independent', async () => {
      const { queue, peer, name } = world();
      const stem = name('lock');
      const names = [stem, `${stem}2`, Buffer.concat([Buffer.from(stem), Buffer.from([0, 0xff])])];
      for (const one of names) expect(await queue.lock({ name: one, owner: 'one' })).to.be.true;
      for (const one of names) expect(await peer.lock({ name: one, owner: 'two' })).to.be.false;
      await queue.unlock({ name: stem, owner: 'one' });
      expect(await peer.lock({ name: stem, owner: 'two' })).to.be.true;
      expect(await peer.lock({ name: `${stem}2`, owner: 'two' })).to.be.false;
    });

    it('a reserve without a lock, a pop and a maintain work while another owner has a lock', async () => {
      const { queue, peer, clock } = world();
      const { topic, one } = await ground();
      await queue.lock(one);
      const jobs = await reserve(peer, topic);
      expect(jobs.map(textOf)).to.deep.equal(['b']);
      await peer.release(jobs);
      clock.advance(MINUTE_MS);
      await maintainAll(peer);
      expect(textOf(await peer.pop(topic))).to.equal('b');
    });

    it('of eight owners that ask for a lock at once exactly one gets it', async () => {
      const { queue, peer, name } = world();
      const lock = name('lock');
      const owners = Array.from({ length: 8 }, (_, i) => `owner ${i}`);
      const got = await Promise.all(
        owners.map((owner, i) => (i % 2 === 0 ? queue : peer).lock({ name: lock, owner })),
      );
      expect(got.filter((has) => has)).to.have.length(1);
    });
  });
}
