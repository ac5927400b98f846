import { expect } from 'chai';
import { drain, LONG_MS, must, promoteAll, soon, textOf, untilPast, type World } from '../world.js';

export function describeReplace(world: () => World): void {
  describe('push with replace', () => {
    it('gives the id a new body, topic, due time and ready lifetime', async () => {
      const { a, qa, qb, name } = world();
      const id = name('id');
      const [from, to] = [name('from'), name('to')];
      await qa.push({ id, topic: from, body: 'old', delayMs: LONG_MS, ttlMs: 1000 });
      const at = await soon(a, 2 * LONG_MS);
      const receipt = await qb.push({ id, topic: to, body: 'new', at, ttlMs: 5000 }, 'replace');
      expect(receipt).to.deep.include({ outcome: 'replaced', dueAt: at });
      const found = await qa.find(id);
      expect(found).to.have.length(1);
      expect(found[0]).to.deep.include({
        state: 'delayed',
        topic: Buffer.from(to),
        body: Buffer.from('new'),
        dueAt: at,
        expiresAt: new Date(at.getTime() + 5000),
        attempts: 0,
      });
      expect((await qa.list(from, { limit: 10 })).jobs).to.be.empty;
    });

    it('moves the due time of identical content as well', async () => {
      const { a, qa, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'same' };
      await qa.push({ ...job, delayMs: LONG_MS });
      const at = await soon(a, 2 * LONG_MS);
      expect((await qa.push({ ...job, at }, 'replace')).outcome).to.equal('replaced');
      expect(must((await qa.find(job.id))[0]).dueAt).to.deep.equal(at);
    });

    it('answers pushed when there is nothing to replace', async () => {
      const { qa, name } = world();
      const receipt = await qa.push({ id: name('id'), topic: name('topic'), body: 'b' }, 'replace');
      expect(receipt.outcome).to.equal('pushed');
    });

    for (const state of ['due', 'ready'] as const) {
      it(`delivers the new job not before its time when the old one was ${state} already, and once`, async () => {
        const { a, qa, qb, name } = world();
        const job = { id: name('id'), topic: name('topic') };
        const old = await qa.push({ ...job, body: 'old' });
        await untilPast(a, must(old.dueAt));
        if (state === 'ready') await promoteAll(a);
        const at = await soon(a, 150);
        expect((await qb.push({ ...job, body: 'new', at }, 'replace')).outcome).to.equal('replaced');
        expect(await qa.pop(job.topic)).to.be.undefined;
        const popped = must(await qa.bpop(job.topic, { timeoutMs: 5000 }));
        expect((await a.now()).getTime()).to.be.at.least(at.getTime());
        expect(popped).to.deep.include({ body: Buffer.from('new'), dueAt: at, attempts: 1 });
        expect(await drain(qa, job.topic)).to.be.empty;
      });
    }

    it('takes a ready job out of its old topic', async () => {
      const { a, qa, qb, name } = world();
      const id = name('id');
      const [from, to] = [name('from'), name('to')];
      await qa.push({ id, topic: from, body: 'old' });
      await promoteAll(a);
      await qb.push({ id, topic: to, body: 'new' }, 'replace');
      expect(await qa.pop(from)).to.be.undefined;
      expect(textOf(await qa.pop(to))).to.equal('new');
    });

    it('leaves a ready job behind the replaced one where it stands', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const id = name('id');
      await qa.push({ id, topic, body: 'old' });
      await qa.push({ topic, body: 'next' });
      await promoteAll(a);
      await qb.push({ id, topic, body: 'new', delayMs: LONG_MS }, 'replace');
      expect(textOf(await qa.pop(topic))).to.equal('next');
      expect(await qa.pop(topic)).to.be.undefined;
    });

    it('gives the new job its place by its own due time, behind those that were ready before', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const id = name('id');
      await qa.push({ id, topic, body: 'old' });
      await qa.push({ topic, body: 'next' });
      await promoteAll(a);
      const { dueAt } = await qb.push({ id, topic, body: 'new', delayMs: 20 }, 'replace');
      await untilPast(a, must(dueAt));
      await promoteAll(a);
      expect((await drain(qb, topic)).map(textOf)).to.deep.equal(['next', 'new']);
    });

    it('forgets the attempts of the old job', async () => {
      const { qa, qb, a, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await qa.push({ ...job, body: 'old' });
      const { jobs } = await qa.lease(job.topic, 1, 30);
      await untilPast(a, must(jobs[0]).leaseUntil);
      await promoteAll(a);
      await qb.push({ ...job, body: 'new' }, 'replace');
      expect(must(await qb.pop(job.topic))).to.deep.include({ body: Buffer.from('new'), attempts: 1 });
    });
  });
}
