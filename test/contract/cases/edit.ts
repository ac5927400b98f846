import { expect } from 'chai';
import {
  drain,
  HOUR_MS,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  only,
  reserve,
  SECOND_MS,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne } from '../retry.js';

export function describeEdit(world: () => World): void {
  describe('edit', () => {
    it('an edit of a delayed, due or ready job changes its body, and keeps due time, ready lifetime and place', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const push = (stem: string, delayMs = 0) =>
        queue.push({ id: `${topic}-${stem}`, topic, body: stem, delayMs });
      await push('ready');
      await push('ready2');
      await maintainAll(queue);
      await push('due', MINUTE_MS);
      clock.advance(MINUTE_MS);
      await push('delayed', LONG_MS);
      const due = queue.needsPromotion ? 'due' : 'ready';
      for (const [stem, state] of Object.entries({ ready: 'ready', due, delayed: 'delayed' })) {
        const id = `${topic}-${stem}`;
        const before = only(await queue.find(id));
        expect(await peer.edit({ id, body: `${stem} edited` })).to.deep.equal({ edited: true, state });
        const { body, ...after } = only(await queue.find(id));
        expect(body?.toString()).to.equal(`${stem} edited`);
        expect({ ...after, body: before.body }).to.deep.equal(before);
      }
      expect((await drain(queue, topic)).map(textOf)).to.deep.equal(['ready edited', 'ready2', 'due edited']);
    });

    it('an edited ready lifetime counts from the due time, and applies after a lease and to the next retry', async () => {
      const { queue, peer, store, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id, dueAt } = await queue.push({ topic, body: 'b', delayMs: MINUTE_MS });
      await peer.edit({ id, ttlMs: HOUR_MS });
      const lifetime = async () => {
        const job = only(await queue.find(id));
        return Number(job.expiresAt) - Number(job.dueAt);
      };
      expect(await lifetime()).to.equal(HOUR_MS);
      expect(only(await queue.find(id))).to.deep.include({ dueAt, body: Buffer.from('b') });
      clock.advance(MINUTE_MS);
      await maintainAll(queue);
      // The ready lifetime stands still for a second.
      const leases = await reserve(queue, topic);
      clock.advance(SECOND_MS);
      await queue.release(leases);
      expect(await peer.edit({ id, ttlMs: 2 * HOUR_MS, body: 'c' })).to.deep.equal({
        edited: true,
        state: 'ready',
      });
      expect(await lifetime()).to.equal(2 * HOUR_MS + SECOND_MS);
      const job = await leaseOne(queue, topic);
      expect(textOf(job)).to.equal('c');
      await fail(store, job, { delayMs: MINUTE_MS });
      expect(await lifetime()).to.equal(2 * HOUR_MS);
    });

    it('an edit keeps attempts, retry settings, key and history', async () => {
      const { queue, peer, store, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      const own = { retries: 7, backoff: { firstMs: HOUR_MS, lastMs: HOUR_MS } };
      await queue.push({ ...job, ...own });
      const { key, lease } = await leaseOne(queue, job.topic);
      await fail(store, { lease }, { reason: 'why' });
      const before = only(await peer.find(job.id));
      await peer.edit({ id: job.id, body: 'other', ttlMs: MINUTE_MS });
      expect(only(await peer.find(job.id))).to.deep.include({
        attempts: 1,
        ...own,
        history: before.history,
        dueAt: before.dueAt,
      });
      clock.advance(HOUR_MS + SECOND_MS);
      await maintainAll(queue);
      await peer.edit({ id: job.id, body: 'third' });
      const again = await leaseOne(queue, job.topic);
      expect(textOf(again)).to.equal('third');
      expect(again).to.deep.include({ key, attempts: 2, ...own });
    });

    it('an edit gives a job without an expiry a ready lifetime that counts from its due time', async () => {
      const { queue, peer, clock, name } = world();
      const id = name('id');
      clock.stop();
      const dueAt = new Date(clock.now() + LONG_MS);
      await queue.import([{ id, topic: name('topic'), body: 'b', dueAt }]);
      expect(await peer.edit({ id, ttlMs: HOUR_MS })).to.deep.equal({ edited: true, state: 'delayed' });
      expect(only(await queue.find(id))).to.deep.include({ expiresAt: new Date(Number(dueAt) + HOUR_MS) });
    });

    it('an edited ready lifetime begins at the due time also where an import gave the job an earlier expiry', async () => {
      const { queue, peer, clock, name } = world();
      const id = name('id');
      clock.stop();
      const dueAt = new Date(clock.now() + LONG_MS);
      const expiresAt = new Date(Number(dueAt) + MINUTE_MS);
      await queue.import([{ id, topic: name('topic'), body: 'b', dueAt, expiresAt, ttlMs: 2 * HOUR_MS }]);
      expect(await peer.edit({ id, ttlMs: SECOND_MS })).to.deep.equal({ edited: true, state: 'delayed' });
      expect(only(await queue.find(id))).to.deep.include({ expiresAt: new Date(Number(dueAt) + SECOND_MS) });
    });

    it('an edit to a ready lifetime that would be over already changes nothing', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      await maintainAll(queue);
      clock.advance(MINUTE_MS);
      const before = await queue.find(id);
      expect(await queue.edit({ id, ttlMs: SECOND_MS, body: 'c' })).to.deep.equal({
        edited: false,
        state: 'ready',
        isOver: true,
      });
      expect(await queue.find(id)).to.deep.equal(before);
    });

    it('an edit leaves a job alone whose state, due time or body is not the expected one', async () => {
      const { queue, name } = world();
      const { id, dueAt } = await queue.push({ topic: name('topic'), body: 'b', delayMs: LONG_MS });
      const left = { edited: false, state: 'delayed' };
      const body = 'other';
      expect(await queue.edit({ id, body, states: ['ready'] })).to.deep.equal(left);
      expect(await queue.edit({ id, body, dueAt: new Date(0) })).to.deep.equal(left);
      expect(await queue.edit({ id, body, ifBody: 'a' })).to.deep.equal(left);
      expect(textOf(only(await queue.find(id)))).to.equal('b');
      expect(await queue.edit({ id, body, dueAt, ifBody: 'b', states: ['delayed'] })).to.include({
        edited: true,
      });
      expect(textOf(only(await queue.find(id)))).to.equal(body);
    });

    it('an edit leaves leased jobs, dead letters, jobs that wait for a duplicate and absent ids alone', async () => {
      const { queue, store, name } = world();
      const topic = name('topic');
      const ids = ['dead', 'leased', 'waiting', 'none'].map((stem) => `${topic}-${stem}`);
      const [dead = '', leased = '', waiting = '', none = ''] = ids;
      await queue.push({ id: dead, topic, body: 'b' });
      await fail(store, await leaseOne(queue, topic), { isDead: true });
      await queue.push({ id: waiting, topic, body: 'b' });
      const leases = await reserve(queue, topic);
      await queue.push({ id: waiting, topic, body: 'c', delayMs: LONG_MS });
      await queue.release(leases);
      await queue.promote([waiting]);
      await queue.pop(topic);
      await queue.push({ id: leased, topic, body: 'b' });
      await reserve(queue, topic);
      const seen = async (id: string) => (await queue.edit({ id, body: 'other' })).state;
      expect([await seen(dead), await seen(leased), await seen(waiting), await seen(none)]).to.deep.equal([
        'dead',
        'leased',
        'delayed',
        undefined,
      ]);
      for (const id of [dead, leased, waiting]) expect(textOf(only(await queue.find(id)))).to.equal('b');
    });
  });
}
