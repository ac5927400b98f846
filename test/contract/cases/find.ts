import { expect } from 'chai';
import {
  HOUR_MS,
  jobsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  statesOf,
  textOf,
  type World,
} from '../world.js';

export function describeFind(world: () => World): void {
  describe('find', () => {
    it('find returns an empty list for an absent id', async () => {
      const { queue, name } = world();
      expect(await queue.find(name('id'))).to.deep.equal([]);
    });

    it('find returns a delayed job with all its fields', async () => {
      const { queue, peer, name } = world();
      const [id, topic] = [name('id'), name('topic')];
      const { dueAt } = await queue.push({ id, topic, body: 'b', delayMs: LONG_MS, ttlMs: 1000 });
      expect(only(await peer.find(id))).to.deep.include({
        id: Buffer.from(id),
        topic: Buffer.from(topic),
        body: Buffer.from('b'),
        state: 'delayed',
        dueAt,
        expiresAt: new Date(must(dueAt).getTime() + 1000),
        attempts: 0,
      });
    });

    it('find tells a due job that is not promoted yet from a delayed one', async () => {
      const { queue, peer, clock, name } = world();
      const { id } = await queue.push({ topic: name('topic'), body: 'b', delayMs: MINUTE_MS });
      expect(only(await peer.find(id)).state).to.equal('delayed');
      clock.advance(MINUTE_MS);
      expect(only(await peer.find(id)).state).to.equal(queue.needsPromotion ? 'due' : 'ready');
    });

    it('find returns a ready job with its due time and how many jobs are ahead of it', async () => {
      const { queue, peer, name } = world();
      const pushed = await queue.pushMany(jobsOf(name('topic'), 3));
      await maintainAll(queue);
      for (const [i, { id, dueAt }] of pushed.entries()) {
        expect(only(await peer.find(id))).to.deep.include({ state: 'ready', dueAt, readyAhead: i });
      }
    });

    it('find counts the jobs ahead of a ready job correctly when a job of another topic has expired', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic: name('other'), body: 'b', ttlMs: MINUTE_MS });
      await queue.push({ topic, body: 'first' });
      const { id } = await queue.push({ topic, body: 'second' });
      await maintainAll(queue);
      clock.advance(2 * MINUTE_MS);
      expect(only(await peer.find(id))).to.deep.include({ state: 'ready', readyAhead: 1 });
    });

    it('find returns a leased job with its lease and when that ends', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const { id, dueAt } = await queue.push({ topic, body: 'b' });
      const { lease, leaseUntil } = only(await reserve(queue, topic));
      const found = only(await peer.find(id));
      expect(found).to.deep.include({
        topic: Buffer.from(topic),
        body: Buffer.from('b'),
        state: 'leased',
        dueAt,
        lease,
        leaseUntil,
        attempts: 1,
      });
      // The lease that find returns can be used.
      expect(await peer.ack([must(found.lease)])).to.deep.equal([true]);
    });

    it('find returns a leased job of a large reservation with its own lease', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 50));
      const jobs = await reserve(queue, topic, 50);
      for (const i of [0, 23, 49]) {
        const { id, lease } = must(jobs[i]);
        expect(only(await peer.find(id)).lease).to.equal(lease);
      }
    });

    it('find returns an expired job that was not cleared away yet', async () => {
      const { queue, peer, clock, name } = world();
      const { id } = await queue.push({ topic: name('topic'), body: 'b', ttlMs: MINUTE_MS });
      clock.advance(2 * MINUTE_MS);
      expect(only(await peer.find(id))).to.deep.include({ id, state: 'expired' });
    });

    it('find returns the delayed or ready job of an id first, then the leased, the waiting and the dead one', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'dead' });
      await queue.nack(await reserve(queue, job.topic), { dead: true });
      await queue.push({ ...job, body: 'leased' });
      await reserve(queue, job.topic, 1, 5 * HOUR_MS);
      await queue.push({ ...job, body: 'waits' });
      const waits = await reserve(queue, job.topic);
      await queue.push({ ...job, body: 'lives', delayMs: 3 * HOUR_MS });
      await queue.release(waits);
      const expectOrder = async (state: string) => {
        const found = await peer.find(job.id);
        expect(found.map(textOf)).to.deep.equal(['lives', 'leased', 'waits', 'dead']);
        expect(statesOf(found)).to.deep.equal([state, 'leased', 'delayed', 'dead']);
        expect(found.map(({ blockedBy }) => blockedBy?.type)).to.deep.equal([
          undefined,
          undefined,
          'duplicate_id',
          undefined,
        ]);
      };
      await expectOrder('delayed');
      clock.advance(3 * HOUR_MS);
      await maintainAll(peer);
      await expectOrder('ready');
    });

    it('find, list, stats and health change nothing', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      const before = await queue.find(id);
      await peer.find(id);
      await peer.list(topic);
      await peer.stats();
      await peer.stats({ exact: false });
      await peer.health();
      expect(await queue.find(id)).to.deep.equal(before);
    });
  });
}
