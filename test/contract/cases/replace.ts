import { expect } from 'chai';
import type { PushRequest } from '../../../src/core/requests.js';
import { drain, LONG_MS, maintainAll, must, only, reserve, soon, textOf, type World } from '../world.js';

export function describeReplace(world: () => World): void {
  describe('push with replace', () => {
    const replace = (request: PushRequest) => world().peer.push(request, { onExisting: 'replace' });

    it('a replacing push gives the id a new body, topic, due time and ready lifetime', async () => {
      const { queue, name } = world();
      const id = name('id');
      const [from, to] = [name('from'), name('to')];
      await queue.push({ id, topic: from, body: 'old', delayMs: LONG_MS, ttlMs: 1000 });
      const at = await soon(queue, 2 * LONG_MS);
      const receipt = await replace({ id, topic: to, body: 'new', at, ttlMs: 5000 });
      expect(receipt).to.deep.include({ outcome: 'replaced', dueAt: at });
      expect(only(await queue.find(id))).to.deep.include({
        state: 'delayed',
        topic: Buffer.from(to),
        body: Buffer.from('new'),
        dueAt: at,
        expiresAt: new Date(at.getTime() + 5000),
        attempts: 0,
      });
      expect((await queue.list(from)).jobs).to.be.empty;
    });

    it('a replacing push of the same content moves the due time', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      await queue.push({ ...job, delayMs: LONG_MS });
      const at = await soon(queue, 2 * LONG_MS);
      expect((await replace({ ...job, at })).outcome).to.equal('replaced');
      expect(only(await queue.find(job.id)).dueAt).to.deep.equal(at);
    });

    it('a replacing push of a new id returns pushed', async () => {
      const { name } = world();
      const receipt = await replace({ id: name('id'), topic: name('topic'), body: 'b' });
      expect(receipt.outcome).to.equal('pushed');
    });

    for (const state of ['due', 'ready'] as const) {
      it(`a job that replaced a ${state} one is delivered at its own due time, once`, async () => {
        const { queue, clock, name } = world();
        const job = { id: name('id'), topic: name('topic') };
        await queue.push({ ...job, body: 'old' });
        clock.advance(1);
        if (state === 'ready') await maintainAll(queue);
        const at = await soon(queue, LONG_MS);
        expect((await replace({ ...job, body: 'new', at })).outcome).to.equal('replaced');
        expect(await queue.pop(job.topic)).to.be.undefined;
        clock.advance(LONG_MS);
        expect(must(await queue.pop(job.topic))).to.deep.include({
          body: Buffer.from('new'),
          dueAt: at,
          attempts: 1,
        });
        expect(await drain(queue, job.topic)).to.be.empty;
      });
    }

    it('a replaced ready job is not delivered from its old topic', async () => {
      const { queue, name } = world();
      const id = name('id');
      const [from, to] = [name('from'), name('to')];
      await queue.push({ id, topic: from, body: 'old' });
      await maintainAll(queue);
      await replace({ id, topic: to, body: 'new' });
      expect(await queue.pop(from)).to.be.undefined;
      expect(textOf(await queue.pop(to))).to.equal('new');
    });

    it('a ready job behind a replaced one is delivered', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const id = name('id');
      await queue.push({ id, topic, body: 'old' });
      await queue.push({ topic, body: 'next' });
      await maintainAll(queue);
      await replace({ id, topic, body: 'new', delayMs: LONG_MS });
      expect(textOf(await queue.pop(topic))).to.equal('next');
      expect(await queue.pop(topic)).to.be.undefined;
    });

    it('a replacing job is delivered by its own due time, behind those that were ready before', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      const id = name('id');
      await queue.push({ id, topic, body: 'old' });
      await queue.push({ topic, body: 'next' });
      await maintainAll(queue);
      await replace({ id, topic, body: 'new', delayMs: 20 });
      clock.advance(20);
      await maintainAll(queue);
      expect((await drain(queue, topic)).map(textOf)).to.deep.equal(['next', 'new']);
    });

    it('a replacing job does not inherit attempts', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'old' });
      await reserve(queue, job.topic, 1, 1000);
      clock.advance(1001);
      await maintainAll(queue);
      await replace({ ...job, body: 'new' });
      expect(await queue.pop(job.topic)).to.deep.include({ body: Buffer.from('new'), attempts: 1 });
    });

    it('a replacing push of the id of a leased job makes a second job, and leaves the lease held', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'leased' });
      const jobs = await reserve(queue, job.topic);
      expect((await replace({ ...job, body: 'new' })).outcome).to.equal('pushed');
      expect(textOf(await queue.pop(job.topic))).to.equal('new');
      expect(await queue.ack(jobs)).to.deep.equal([true]);
    });
  });
}
