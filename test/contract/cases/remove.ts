import { expect } from 'chai';
import { drain, idsOf, LONG_MS, must, promoteAll, textOf, untilPast, type World } from '../world.js';

export function describeRemove(world: () => World): void {
  describe('remove', () => {
    it('takes a job away that is not due', async () => {
      const { qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b', delayMs: LONG_MS };
      await qa.push(job);
      expect(await qb.remove(job.id)).to.be.true;
      expect(await qa.find(job.id)).to.be.empty;
      expect(await qb.remove(job.id)).to.be.false;
      expect((await qa.survey()).topics).to.be.empty;
    });

    it('answers false when there is none', async () => {
      const { qa, name } = world();
      const id = name('id');
      expect(await qa.remove(id)).to.be.false;
      const [result] = await qa.removeMany([id], 'any');
      expect(must(result).removed).to.be.false;
      expect(must(result).state).to.be.undefined;
    });

    it('answers false for a job that is due but not promoted, and leaves it whole', async () => {
      const { a, qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      const { dueAt } = await qa.push({ ...job, delayMs: 20 });
      await untilPast(a, must(dueAt));
      const state = a.needsPromotion ? 'due' : 'ready';
      expect(await qb.removeMany([job.id])).to.deep.equal([{ removed: false, state }]);
      expect(textOf(await qa.pop(job.topic))).to.equal('b');
    });

    it('answers false from the very millisecond on in which the job is due', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      for (let i = 0; i < 20; i += 1) {
        const { id, dueAt } = await qa.push({ topic, body: 'b', delayMs: 5 });
        while ((await a.now()) < must(dueAt));
        expect(await qa.remove(id)).to.be.false;
      }
      expect(await drain(qa, topic)).to.have.length(20);
    });

    it('answers false for a ready job, and leaves it whole', async () => {
      const { a, qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await qa.push(job);
      await promoteAll(a);
      const before = await qa.find(job.id);
      expect(await qb.removeMany([job.id])).to.deep.equal([{ removed: false, state: 'ready' }]);
      expect(await qa.find(job.id)).to.deep.equal(before);
      expect(textOf(await qa.pop(job.topic))).to.equal('b');
    });

    it('answers false for a leased job, and leaves it whole', async () => {
      const { qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await qa.push(job);
      const { jobs } = await qa.lease(job.topic, 1, LONG_MS);
      expect(await qb.removeMany([job.id])).to.deep.equal([{ removed: false, state: 'leased' }]);
      expect(await qa.confirm(jobs)).to.deep.equal([true]);
    });

    it('answers for each of many ids, in order', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      await qa.push({ id: `${topic}-ready`, topic, body: 'b' });
      await promoteAll(a);
      const delayed = await qa.pushMany(
        Array.from({ length: 600 }, (_, i) => ({ id: `${topic}-${i}`, topic, body: 'b', delayMs: LONG_MS })),
      );
      const ids = [`${topic}-ready`, ...idsOf(delayed), name('none')];
      const results = await qb.removeMany(ids);
      expect(results).to.have.length(602);
      expect(results[0]).to.include({ removed: false, state: 'ready' });
      expect(results.slice(1, 601).every(({ removed, state }) => removed && state === 'delayed')).to.be.true;
      expect(results[601]?.removed).to.be.false;
      expect(await qb.removeMany([])).to.deep.equal([]);
    });

    it('of an id named twice is true once', async () => {
      const { qa, name } = world();
      const id = name('id');
      await qa.push({ id, topic: name('topic'), body: 'b', delayMs: LONG_MS });
      expect((await qa.removeMany([id, id])).map(({ removed }) => removed)).to.deep.equal([true, false]);
    });

    it('in any state takes away delayed, due, ready and leased jobs', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const ids = ['leased', 'ready', 'due', 'delayed'].map((state) => `${topic}-${state}`);
      const [leased = '', ready = '', due = '', delayed = ''] = ids;
      await qa.push({ id: leased, topic, body: 'b' });
      const { jobs } = await qa.lease(topic, 1, LONG_MS);
      await qa.push({ id: ready, topic, body: 'b' });
      await promoteAll(a);
      const { dueAt } = await qa.push({ id: due, topic, body: 'b' });
      await qa.push({ id: delayed, topic, body: 'b', delayMs: LONG_MS });
      await untilPast(a, must(dueAt));
      expect(await qb.removeMany(ids, 'any')).to.deep.equal([
        { removed: true, state: 'leased' },
        { removed: true, state: 'ready' },
        { removed: true, state: a.needsPromotion ? 'due' : 'ready' },
        { removed: true, state: 'delayed' },
      ]);
      for (const id of ids) expect(await qa.find(id)).to.be.empty;
      expect(await drain(qa, topic)).to.be.empty;
      expect(await qa.confirm(jobs)).to.deep.equal([false]);
    });

    it('in any state takes away a dead job that was not cleared away yet', async () => {
      const { a, qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      const { dueAt } = await qa.push({ ...job, ttlMs: 20 });
      await untilPast(a, must(dueAt).getTime() + 20);
      expect(await qb.removeMany([job.id], 'any')).to.deep.equal([{ removed: true, state: 'dead' }]);
      expect(await qa.find(job.id)).to.be.empty;
    });

    it('lets the job behind a removed ready one be taken', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      const id = name('id');
      await qa.push({ id, topic, body: 'removed' });
      await qa.push({ topic, body: 'next' });
      await promoteAll(a);
      await qa.removeMany([id], 'any');
      expect(textOf(await qa.pop(topic))).to.equal('next');
    });

    it('leaves an id that may be pushed again, and comes behind those that were ready before', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const id = name('id');
      await qa.push({ id, topic, body: 'old' });
      await qa.push({ topic, body: 'next' });
      await promoteAll(a);
      await qb.removeMany([id], 'any');
      await qb.push({ id, topic, body: 'new' });
      await promoteAll(a);
      expect((await drain(qb, topic)).map(textOf)).to.deep.equal(['next', 'new']);
    });

    it('leaves an id that may be pushed again, due when the new one is', async () => {
      const { a, qa, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await qa.push({ ...job, body: 'old' });
      await promoteAll(a);
      await qa.removeMany([job.id], 'any');
      await qa.push({ ...job, body: 'new', delayMs: LONG_MS });
      expect(await qa.pop(job.topic)).to.be.undefined;
      expect(must((await qa.find(job.id))[0]).state).to.equal('delayed');
    });
  });
}
