import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { idsOf, LONG_MS, must, promoteAll, textOf, untilPast, type World } from '../world.js';

export function describeLeaseEnds(world: () => World): void {
  describe('a lease that runs out', () => {
    it('brings the job back, its attempts counted', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      for (const attempts of [1, 2, 3]) {
        const [job] = (await qa.lease(topic, 1, 20)).jobs;
        expect(must(job).attempts).to.equal(attempts);
        await untilPast(a, must(job).leaseUntil);
      }
      expect(await qb.pop(topic)).to.deep.include({ body: Buffer.from('b'), attempts: 4 });
      expect(await qb.pop(topic)).to.be.undefined;
    });

    it('is seen by promote, which says how many jobs came back', async () => {
      const { a, b, qa, name } = world();
      const topic = name('topic');
      await qa.pushMany([1, 2, 3].map((i) => ({ topic, body: `body ${i}` })));
      const { jobs } = await qa.lease(topic, 3, 20);
      await untilPast(a, must(jobs[0]).leaseUntil);
      expect((await b.promote()).returned).to.equal(3);
      expect((await b.promote()).returned).to.equal(0);
      expect(must((await qa.find(must(jobs[0]).id))[0])).to.include({ state: 'ready', attempts: 1 });
    });

    it('brings jobs back before those due later, in the order of their due times', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany(Array.from({ length: 15 }, (_, i) => ({ topic, body: `body ${i}` })));
      const { jobs } = await qa.lease(topic, 12, 20);
      await untilPast(a, must(jobs[0]).leaseUntil);
      expect(idsOf(await qb.popMany(topic, 20))).to.deep.equal(idsOf(pushed));
    });

    it('brings a job back by the lease alone, with no other event due', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      await qa.lease(topic, 1, 50);
      expect(textOf(await qb.bpop(topic, { timeoutMs: 10_000 }))).to.equal('b');
    });

    it('makes the late confirmation answer false and touch nothing', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      const late = (await qa.lease(topic, 1, 20)).jobs;
      await untilPast(a, must(late[0]).leaseUntil);
      const again = (await qb.lease(topic, 1, LONG_MS)).jobs;
      expect(again).to.have.length(1);
      expect(await qa.confirm(late)).to.deep.equal([false]);
      await qa.putBack(late);
      expect(await a.extend(late, LONG_MS)).to.deep.equal([undefined]);
      expect(await qb.confirm(again)).to.deep.equal([true]);
    });

    it('makes the late confirmation leave the new job of that id alone', async () => {
      const { a, qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await qa.push({ ...job, body: 'old' });
      const late = (await qa.lease(job.topic, 1, 20)).jobs;
      await untilPast(a, must(late[0]).leaseUntil);
      expect(textOf(await qb.pop(job.topic))).to.equal('old');
      await qb.push({ ...job, body: 'new' });
      expect(await qa.confirm(late)).to.deep.equal([false]);
      await qa.putBack(late);
      expect(textOf(await qb.pop(job.topic))).to.equal('new');
    });

    it('does not end a lease that was made longer', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b' });
      const { jobs } = await qa.lease(topic, 1, 150);
      expect(await a.extend(jobs, LONG_MS)).to.not.deep.equal([undefined]);
      await untilPast(a, must(jobs[0]).leaseUntil);
      await promoteAll(a);
      expect(await qb.pop(topic)).to.be.undefined;
      expect(await qa.confirm(jobs)).to.deep.equal([true]);
    });

    it('does not bring back a job that has expired meanwhile', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const { id } = await qa.push({ topic, body: 'b', ttlMs: 100 });
      const { jobs } = await qa.lease(topic, 1, 300);
      expect(jobs).to.have.length(1);
      await untilPast(a, must(jobs[0]).leaseUntil);
      expect(await qb.pop(topic)).to.be.undefined;
      await promoteAll(a);
      const states = (await qa.find(id)).map(({ state }) => state);
      expect(states.filter((state) => state !== 'dead')).to.be.empty;
    });

    it('lets a job outlive its ready lifetime while it is held, to be confirmed', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b', ttlMs: 50 });
      const { jobs } = await qa.lease(topic, 1, LONG_MS);
      await untilPast(a, must(jobs[0]?.expiresAt));
      expect(await qa.confirm(jobs)).to.deep.equal([true]);
    });

    it('comes in bulk: 1200 jobs come back, each once', async () => {
      const { a, b, qa, qb, name } = world();
      const topic = name('topic');
      const pushed = await qa.pushMany(Array.from({ length: 1200 }, () => ({ topic, body: 'b' })));
      await promoteAll(a);
      let last;
      for (let i = 0; i < 3; i += 1) last = must((await qa.lease(topic, 400, 500)).jobs[399]);
      await untilPast(a, must(last).leaseUntil);
      await Promise.all([promoteAll(a), promoteAll(b)]);
      const got: string[] = [];
      await eventually(async () => {
        got.push(...idsOf(await qb.popMany(topic, 500)));
        return got.length >= 1200;
      });
      expect(got.sort()).to.deep.equal(idsOf(pushed).sort());
    });
  });
}
