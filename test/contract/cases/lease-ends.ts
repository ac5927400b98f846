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

    it('is seen by promote as the end of a job that has expired meanwhile', async () => {
      const { a, b, qa, name } = world();
      const topic = name('topic');
      await qa.push({ topic, body: 'b', ttlMs: 100 });
      const { jobs } = await qa.lease(topic, 1, 200);
      await untilPast(a, must(jobs[0]).leaseUntil);
      expect(await b.promote()).to.include({ expired: 1, returned: 0, promoted: 0 });
    });

    it('comes in steps when many end at once, and promote says when there is more', async () => {
      const { a, qa, name } = world();
      const topic = name('topic');
      await qa.pushMany(Array.from({ length: 1200 }, () => ({ topic, body: 'b' })));
      const jobs = [];
      for (let i = 0; i < 6; i += 1) jobs.push(...(await qa.lease(topic, 200, LONG_MS)).jobs);
      const until = await a.extend(jobs, 1);
      await untilPast(a, Math.max(...until.map((at) => must(at).getTime())));
      const steps = [await a.promote()];
      while (steps.at(-1)?.more === true) steps.push(await a.promote());
      // Whole requests, as many as make up a step.
      const returned = steps.map((step) => step.returned);
      expect(returned.reduce((sum, jobs) => sum + jobs)).to.equal(1200);
      expect(Math.max(...returned)).to.be.at.most(600);
      expect(returned.every((jobs) => jobs > 0 && jobs % 200 === 0)).to.be.true;
    });

    it('does not hide the job of one topic behind many of another', async () => {
      const { a, qa, qb, name } = world();
      const [topic, other] = [name('topic'), name('other')];
      await qa.pushMany(Array.from({ length: 600 }, () => ({ topic: other, body: 'b' })));
      const before = [];
      for (let i = 0; i < 2; i += 1) before.push(...(await qa.lease(other, 300, LONG_MS)).jobs);
      await qa.push({ topic, body: 'behind' });
      const { jobs } = await qa.lease(topic, 1, LONG_MS);
      await a.extend(before, 1);
      const [until] = await a.extend(jobs, 5);
      await untilPast(a, must(until));
      expect(textOf(await qb.pop(topic))).to.equal('behind');
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
