import { expect } from 'chai';
import { eventually } from '../../support/eventually.js';
import { LONG_MS, must, textOf, untilPast, type World } from '../world.js';

/** A job is leased, and another is pushed under its id: two jobs, and neither may hide the other. */
export function describeNamesakes(world: () => World): void {
  describe('a job pushed under the id of a leased one', () => {
    async function leaseAndPush(options: { leaseMs: number; delayMs?: number }) {
      const { qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await qa.push({ ...job, body: 'first' });
      const first = (await qa.lease(job.topic, 1, options.leaseMs)).jobs;
      expect(first.map(textOf)).to.deep.equal(['first']);
      const second = await qb.push({ ...job, body: 'second', delayMs: options.delayMs });
      expect(second.outcome).to.equal('pushed');
      return { ...job, first };
    }

    it('is a job of its own: both are found', async () => {
      const { qb } = world();
      const { id } = await leaseAndPush({ leaseMs: LONG_MS, delayMs: LONG_MS });
      const found = await qb.find(id);
      expect(found.map(({ state }) => state)).to.have.members(['leased', 'delayed']);
      expect(found.map(textOf)).to.have.members(['first', 'second']);
    });

    it('is delivered, and confirming one does not touch the other', async () => {
      const { qa, qb } = world();
      const { id, topic, first } = await leaseAndPush({ leaseMs: LONG_MS });
      const second = (await qb.lease(topic, 1, LONG_MS)).jobs;
      expect(second.map(textOf)).to.deep.equal(['second']);
      expect(await qa.confirm(first)).to.deep.equal([true]);
      expect((await qb.find(id)).map(textOf)).to.deep.equal(['second']);
      expect(await qb.confirm(second)).to.deep.equal([true]);
      expect(await qb.find(id)).to.be.empty;
    });

    it('is not lost when the lease runs out: both are delivered, each once', async () => {
      const { a, qb } = world();
      const { topic, first } = await leaseAndPush({ leaseMs: 20 });
      await untilPast(a, must(first[0]).leaseUntil);
      const got = [await qb.bpop(topic, { timeoutMs: 5000 }), await qb.bpop(topic, { timeoutMs: 5000 })];
      expect(got.map(textOf)).to.have.members(['first', 'second']);
      expect(await qb.pop(topic)).to.be.undefined;
    });

    it('is not lost when the lease is given back: both are delivered, each once', async () => {
      const { qa, qb } = world();
      const { topic, first } = await leaseAndPush({ leaseMs: LONG_MS });
      await qa.putBack(first);
      const got = [await qb.bpop(topic, { timeoutMs: 5000 }), await qb.bpop(topic, { timeoutMs: 5000 })];
      expect(got.map(textOf)).to.have.members(['first', 'second']);
      expect(await qb.pop(topic)).to.be.undefined;
    });

    it('keeps several of one request waiting, and each comes back', async () => {
      const { a, qa, qb, name } = world();
      const topic = name('topic');
      const ids = [1, 2, 3].map((i) => `${topic}-${i}`);
      const push = (body: string, delayMs = 0) =>
        qa.pushMany(ids.map((id) => ({ id, topic, body, delayMs })));
      await push('first');
      const { jobs } = await qa.lease(topic, 3, LONG_MS);
      await push('second', LONG_MS);
      await qa.putBack(jobs);
      for (const id of ids) expect((await qb.find(id)).map(textOf)).to.have.members(['first', 'second']);
      await qa.removeMany(ids);
      const got: (string | undefined)[] = [];
      await eventually(async () => {
        await a.promote();
        got.push(...(await qb.popMany(topic, 10)).map(textOf));
        return got.length >= 3;
      });
      expect(got).to.deep.equal(['first', 'first', 'first']);
    });

    it('keeps the other waiting, and the rest of its request in hand', async () => {
      const { qa, qb, name } = world();
      const topic = name('topic');
      const [id, rest] = [`${topic}-1`, `${topic}-2`];
      await qa.pushMany([id, rest].map((one) => ({ id: one, topic, body: 'first' })));
      const { jobs } = await qa.lease(topic, 2, LONG_MS);
      await qb.push({ id, topic, body: 'second', delayMs: LONG_MS });
      await qa.putBack(jobs.slice(0, 1));
      expect((await qb.find(id)).map(textOf)).to.have.members(['first', 'second']);
      expect((await qb.find(rest)).map(({ state }) => state)).to.deep.equal(['leased']);
      expect(await qa.confirm(jobs.slice(1))).to.deep.equal([true]);
    });

    it('does not keep the other waiting when it has died', async () => {
      const { a, qa, qb, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await qa.push({ ...job, body: 'first' });
      const { jobs } = await qa.lease(job.topic, 1, LONG_MS);
      const { dueAt } = await qb.push({ ...job, body: 'second', ttlMs: 20 });
      await untilPast(a, must(dueAt).getTime() + 20);
      await qa.putBack(jobs);
      expect(textOf(await qb.pop(job.topic))).to.equal('first');
      expect(await qb.pop(job.topic)).to.be.undefined;
    });

    it('can be removed while it is not due, and the leased one stays', async () => {
      const { qa, qb } = world();
      const { id, first } = await leaseAndPush({ leaseMs: LONG_MS, delayMs: LONG_MS });
      expect(await qb.remove(id)).to.be.true;
      expect((await qb.find(id)).map(textOf)).to.deep.equal(['first']);
      expect(await qa.confirm(first)).to.deep.equal([true]);
    });

    it('is not lost, nor is the other, however often that tries to come back meanwhile', async () => {
      const { a, b, qa, qb } = world();
      const { id, topic, first } = await leaseAndPush({ leaseMs: 20, delayMs: 3000 });
      const got: (string | undefined)[] = [];
      // Longer than any wait between two tries.
      const end = must(first[0]).leaseUntil.getTime() + 2500;
      while ((await a.now()).getTime() < end) {
        await b.promote();
        got.push(...(await qb.popMany(topic, 10)).map(textOf));
        await b.waitForReady(Buffer.from(topic), 50);
      }
      expect([...got, ...(await qa.find(id)).map(textOf)]).to.have.members(['first', 'second']);
      await eventually(async () => {
        got.push(...(await qb.popMany(topic, 10)).map(textOf));
        return got.length >= 2;
      });
      expect(got).to.have.members(['first', 'second']);
    });

    it('makes the other wait for a while between two tries, and not try without end', async () => {
      const { a, b } = world();
      const { first } = await leaseAndPush({ leaseMs: 20, delayMs: LONG_MS });
      await untilPast(a, must(first[0]).leaseUntil);
      const { nextInMs } = await b.promote();
      expect(nextInMs).to.be.within(100, 1000);
    });

    it('is not delivered before its time when the lease runs out', async () => {
      const { a, qa, qb } = world();
      const { id, topic, first } = await leaseAndPush({ leaseMs: 20, delayMs: LONG_MS });
      await untilPast(a, must(first[0]).leaseUntil);
      const early = await qb.popMany(topic, 10);
      expect(early.map(textOf)).to.not.include('second');
      const left = (await qa.find(id)).map(textOf);
      expect([...early.map(textOf), ...left]).to.have.members(['first', 'second']);
    });
  });
}
