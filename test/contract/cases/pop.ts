import { expect } from 'chai';
import { leaseToken } from '../../../src/core/lease.js';
import { drain, idsOf, LONG_MS, must, promoteAll, textOf, type World } from '../world.js';

const bodies = (count: number, topic: string) =>
  Array.from({ length: count }, (_, i) => ({ topic, body: `body ${i}` }));

export function describeTaking(world: () => World): void {
  describe('taking', () => {
    it('says nothing when nothing is there', async () => {
      const { qa, name } = world();
      expect(await qa.pop(name('topic'))).to.be.undefined;
      expect(await qa.popMany(name('topic'), 10)).to.deep.equal([]);
    });

    it('gives a job as it is, once, and forgets it', async () => {
      const { qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      const { dueAt } = await qa.push({ ...job, ttlMs: 60_000 });
      expect(await qb.pop(job.topic)).to.deep.equal({
        id: Buffer.from(job.id),
        topic: Buffer.from(job.topic),
        body: Buffer.from('b'),
        state: 'ready',
        dueAt,
        expiresAt: new Date(must(dueAt).getTime() + 60_000),
        attempts: 1,
      });
      expect(await qa.pop(job.topic)).to.be.undefined;
      expect(await qa.find(job.id)).to.be.empty;
      expect((await qa.survey()).topics).to.be.empty;
    });

    it('needs nobody else to promote', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'by pop' });
      expect(textOf(await qb.pop(topic))).to.equal('by pop');
      await qa.push({ topic, body: 'by lease' });
      expect(textOf((await qb.lease(topic, 1, 1000)).jobs[0])).to.equal('by lease');
    });

    it('gives the jobs of the topic alone', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic: `${topic}x`, body: 'other' });
      await qa.push({ topic: topic.toUpperCase(), body: 'other' });
      expect(await qa.pop(topic)).to.be.undefined;
      expect(textOf(await qa.pop(`${topic}x`))).to.equal('other');
    });

    it('finds a ready job although more jobs than one step moves are due before it', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qa.pushMany(bodies(1300, name('other')));
      await qa.push({ topic, body: 'behind' });
      expect(textOf(await qb.pop(topic))).to.equal('behind');
    });

    it('gives up to as many as asked for, in order', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qa.pushMany(bodies(25, topic));
      expect((await qb.popMany(topic, 10)).map(textOf)).to.deep.equal(
        bodies(10, topic).map(({ body }) => body),
      );
      expect(await qb.popMany(topic, 100)).to.have.length(15);
      expect(await qb.popMany(topic, 100)).to.be.empty;
    });

    it('gives every job once to many takers at a time', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const pushed = idsOf(await qa.pushMany(bodies(800, topic)));
      const got = await Promise.all([qa, qb, qa, qb, qa, qb].map((queue) => drain(queue, topic, 9)));
      expect(idsOf(got.flat()).sort()).to.deep.equal(pushed.sort());
    });

    it('gives every job once to many takers, while others push and promote', async () => {
      const { a, b, qa, qb, name } = world();
      const topic = name('topic');
      let pushing = true;
      const push = async () => {
        const ids: string[] = [];
        for (let i = 0; i < 20; i += 1) ids.push(...idsOf(await qa.pushMany(bodies(20, topic))));
        pushing = false;
        return ids;
      };
      const take = async (queue: typeof qa) => {
        const got = [];
        while (pushing) got.push(...(await queue.popMany(topic, 3)));
        return got;
      };
      const promote = async (store: typeof a) => {
        while (pushing) await store.promote();
        return [];
      };
      const [pushed, ...taken] = await Promise.all([push(), take(qa), take(qb), promote(a), promote(b)]);
      const got = [...taken.flat(), ...(await drain(qb, topic))];
      expect(idsOf(got).sort()).to.deep.equal(pushed.sort());
    });

    it('gives the same jobs to the same request, so that a lost answer loses none', async () => {
      const { a, b, qa, name } = world();
      const topic = name('topic');
      await qa.pushMany(bodies(10, topic));
      const request = { topic: Buffer.from(topic), limit: 4, leaseMs: LONG_MS, token: leaseToken() };
      const first = await a.take(request);
      const again = await b.take(request);
      expect(first.jobs).to.have.length(4);
      expect(again.jobs).to.deep.equal(first.jobs);
      const other = await b.take({ ...request, token: leaseToken() });
      expect(idsOf(other.jobs)).to.not.have.members(idsOf(first.jobs));
      expect(await a.confirm(again.jobs)).to.deep.equal([true, true, true, true]);
    });

    it('restores jobs that were popped', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qa.pushMany(bodies(3, topic));
      const popped = await qa.popMany(topic, 3);
      await qa.restore(popped);
      const got = await drain(qb, topic);
      expect(got.map(({ id, body }) => ({ id, body }))).to.deep.equal(
        popped.map(({ id, body }) => ({ id, body })),
      );
    });

    it('gives 500 in one answer at most, and the others in the next', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany(bodies(700, topic));
      await promoteAll(a);
      const take = async () => {
        const request = { topic: Buffer.from(topic), limit: 10_000, leaseMs: LONG_MS, token: leaseToken() };
        return idsOf((await a.take(request)).jobs);
      };
      expect(await take()).to.deep.equal(idsOf(pushed.slice(0, 500)));
      expect(await take()).to.deep.equal(idsOf(pushed.slice(500)));
    });

    it('answers a restoring with the ids that are not back', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      const ids = [1, 2, 3].map((i) => `${topic}-${i}`);
      await qa.pushMany(ids.map((id) => ({ id, topic, body: 'popped' })));
      const popped = await qa.popMany(topic, 3);
      await qa.push({ id: must(ids[1]), topic, body: 'newer', delayMs: LONG_MS });
      expect((await qa.restore(popped)).map(String)).to.deep.equal([ids[1]]);
    });

    it('restores nothing over a job that has the id by now', async () => {
      const { qa, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await qa.push({ ...job, body: 'popped' });
      const popped = must(await qa.pop(job.topic));
      await qa.push({ ...job, body: 'newer', delayMs: LONG_MS });
      await qa.restore([popped]);
      expect(textOf((await qa.find(job.id))[0])).to.equal('newer');
      await promoteAll(qa.store);
      expect(await qa.pop(job.topic)).to.be.undefined;
      await qa.restore([]);
    });
  });
}
