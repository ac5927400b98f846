import { expect } from 'chai';
import { idsOf, LONG_MS, must, promoteAll, textOf, type World } from '../world.js';

export function describeLeases(world: () => World): void {
  describe('leases', () => {
    it('hold a job, so that nobody else gets it', async () => {
      const { a, qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await qa.push(job);
      const before = (await a.now()).getTime();
      const [leased] = (await qa.lease(job.topic, 10, 60_000)).jobs;
      expect(must(leased).leaseUntil.getTime()).to.be.within(
        before + 60_000,
        (await a.now()).getTime() + 60_000,
      );
      expect(must(leased)).to.deep.include({ state: 'leased', attempts: 1, body: Buffer.from('b') });
      await promoteAll(a);
      expect(await qb.pop(job.topic)).to.be.undefined;
      expect(await qb.remove(job.id)).to.be.false;
    });

    it('give as many jobs as asked for, each with a lease of its own', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany(Array.from({ length: 30 }, () => ({ topic, body: 'b' })));
      const { jobs } = await qa.lease(topic, 20, LONG_MS);
      expect(idsOf(jobs)).to.deep.equal(idsOf(pushed.slice(0, 20)));
      expect(new Set(jobs.map(({ lease }) => lease)).size).to.equal(20);
    });

    it('end by a confirmation with the job gone, which answers whether it was held', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany([1, 2].map((i) => ({ topic, body: `body ${i}` })));
      const { jobs } = await qa.lease(topic, 2, LONG_MS);
      const nobodys = { lease: `${must(jobs[0]).lease}x`, leaseUntil: new Date() };
      expect(await qb.confirm([...jobs, nobodys])).to.deep.equal([true, true, false]);
      expect(await qa.confirm(jobs)).to.deep.equal([false, false]);
      expect(await qa.confirm([])).to.deep.equal([]);
      for (const { id } of pushed) expect(await qa.find(id)).to.be.empty;
    });

    it('may be confirmed one by one', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      await qa.pushMany([1, 2].map((i) => ({ topic, body: `body ${i}` })));
      const { jobs } = await qa.lease(topic, 2, LONG_MS);
      expect(await qa.confirm(jobs.slice(0, 1))).to.deep.equal([true]);
      await qa.putBack(jobs.slice(1));
      expect(textOf(await qa.pop(topic))).to.equal('body 2');
    });

    it('answer for each of a request, some of which were confirmed before, or are named twice or in another order', async () => {
      const { qa, name } = world();
      const topic = name('topic');
      for (const [before, then, held] of [
        [[0], [0, 1, 2], [false, true, true]],
        [[0], [0, 1], [false, true]],
        [[], [2, 0, 1], [true, true, true]],
        [[], [0, 0, 1], undefined],
      ] as const) {
        const pushed = await qa.pushMany([1, 2, 3].map((i) => ({ topic, body: `body ${i}` })));
        const { jobs } = await qa.lease(topic, 3, LONG_MS);
        const some = (numbers: readonly number[]) => numbers.map((n) => must(jobs[n]));
        await qa.confirm(some(before));
        const answers = await qa.confirm(some(then));
        if (held) expect(answers).to.deep.equal(held);
        const left = pushed.filter((_, n) => ![...before, ...then].includes(n as never));
        await qa.putBack(jobs);
        expect(idsOf(await qa.popMany(topic, 10))).to.deep.equal(idsOf(left));
      }
    });

    it('answer for each of 600 confirmed at once', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.pushMany(Array.from({ length: 600 }, () => ({ topic, body: 'b' })));
      await promoteAll(a);
      const jobs = [
        ...(await qa.lease(topic, 300, LONG_MS)).jobs,
        ...(await qa.lease(topic, 300, LONG_MS)).jobs,
      ];
      expect(jobs).to.have.length(600);
      const lost = jobs.filter((_, i) => i % 3 === 0);
      await qa.confirm(lost);
      expect(await qa.confirm(jobs)).to.deep.equal(jobs.map((_, i) => i % 3 !== 0));
    });

    it('put back leave the order and the attempts as they were', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qa.pushMany([1, 2, 3, 4, 5].map((i) => ({ topic, body: `body ${i}` })));
      const { jobs } = await qa.lease(topic, 3, LONG_MS);
      await qa.putBack(jobs);
      const got = await qb.popMany(topic, 10);
      expect(got.map(textOf)).to.deep.equal(['body 1', 'body 2', 'body 3', 'body 4', 'body 5']);
      expect(got.map(({ attempts }) => attempts)).to.deep.equal([1, 1, 1, 1, 1]);
    });

    it('put back in parts leave the order as it was', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany([1, 2, 3, 4, 5].map((i) => ({ topic, body: `body ${i}` })));
      const { jobs } = await qa.lease(topic, 4, LONG_MS);
      await qa.putBack(jobs.slice(3));
      await qa.putBack(jobs.slice(0, 3));
      expect(idsOf(await qb.popMany(topic, 10))).to.deep.equal(idsOf(pushed));
    });

    it('answer each for its own when those of several requests are given in turns', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.pushMany([1, 2, 3, 4].map((i) => ({ topic, body: `body ${i}` })));
      const one = (await qa.lease(topic, 2, LONG_MS)).jobs;
      const two = (await qa.lease(topic, 2, LONG_MS)).jobs;
      await qa.confirm([must(one[0]), must(two[0])]);
      const turns = [0, 1].flatMap((i) => [must(one[i]), must(two[i])]);
      const until = await a.extend(turns, LONG_MS);
      expect(until.map((at) => at !== undefined)).to.deep.equal([false, false, true, true]);
      expect(await qa.confirm(turns)).to.deep.equal([false, false, true, true]);
    });

    it('made longer when they have ended leave nothing behind', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      const { jobs } = await qa.lease(topic, 1, LONG_MS);
      await qa.confirm(jobs);
      expect(await a.extend(jobs, LONG_MS)).to.deep.equal([undefined]);
      expect((await a.promote()).nextInMs).to.be.undefined;
    });

    it('put back keep due time, expiry and content', async () => {
      const { qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      await qa.push({ ...job, ttlMs: 60_000 });
      await promoteAll(qa.store);
      const [before] = await qa.find(job.id);
      await qa.putBack((await qa.lease(job.topic, 1, LONG_MS)).jobs);
      expect((await qb.find(job.id))[0]).to.deep.equal(before);
    });

    it('put back in the order in which they were taken, also when there are 600', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany(Array.from({ length: 600 }, (_, i) => ({ topic, body: `body ${i}` })));
      const jobs = [
        ...(await qa.lease(topic, 300, LONG_MS)).jobs,
        ...(await qa.lease(topic, 300, LONG_MS)).jobs,
      ];
      await qa.putBack(jobs);
      const got = [...(await qb.popMany(topic, 500)), ...(await qb.popMany(topic, 500))];
      expect(idsOf(got)).to.deep.equal(idsOf(pushed));
    });

    it('put back twice, or after they were confirmed, bring nothing twice', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qa.pushMany([1, 2].map((i) => ({ topic, body: `body ${i}` })));
      const { jobs } = await qa.lease(topic, 2, LONG_MS);
      await qa.confirm(jobs.slice(0, 1));
      await qa.putBack(jobs);
      await qa.putBack(jobs);
      expect((await qb.popMany(topic, 10)).map(textOf)).to.deep.equal(['body 2']);
    });

    it('may be made longer, as long as they are held', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.pushMany([1, 2].map((i) => ({ topic, body: `body ${i}` })));
      const { jobs } = await qa.lease(topic, 2, 60_000);
      await qa.confirm(jobs.slice(0, 1));
      const before = (await a.now()).getTime();
      const [lost, held] = await a.extend(jobs, LONG_MS);
      expect(lost).to.be.undefined;
      expect(must(held).getTime()).to.be.within(before + LONG_MS, (await a.now()).getTime() + LONG_MS);
      expect(must((await qa.find(must(jobs[1]).id))[0]).leaseUntil).to.deep.equal(held);
    });
  });
}
