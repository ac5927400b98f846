import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import { drain, idsOf, jobsOf, LONG_MS, maintainAll, must, reserve, textOf, type World } from '../world.js';

export function describeAck(world: () => World): void {
  describe('ack', () => {
    it('an ack of a whole reservation deletes its jobs, and a second ack returns false for each', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3);
      expect(await peer.ack(jobs)).to.deep.equal([true, true, true]);
      expect(await queue.ack(jobs)).to.deep.equal([false, false, false]);
      for (const { id } of pushed) expect(await queue.find(id)).to.be.empty;
      expect((await queue.stats()).topics).to.deep.equal([]);
    });

    it('an ack by the bare lease string from another process deletes the job', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const [first] = await queue.pushMany(jobsOf(topic, 2));
      const { lease } = must((await reserve(queue, topic, 2))[0]);
      expect(await peer.ack([lease])).to.deep.equal([true]);
      expect(await queue.ack([lease])).to.deep.equal([false]);
      expect(await queue.find(must(first).id)).to.be.empty;
    });

    it('an ack by the bare lease strings of a whole reservation deletes all its jobs', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 40));
      const leases = (await reserve(queue, topic, 40)).map(({ lease }) => lease);
      expect(await peer.ack(leases)).to.deep.equal(leases.map(() => true));
      expect((await queue.stats()).topics).to.deep.equal([]);
    });

    it('an ack of one job leaves the others of its reservation leased', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3);
      clock.advance(LONG_MS - 1000);
      expect(await peer.ack([must(jobs[1]).lease])).to.deep.equal([true]);
      await maintainAll(peer);
      expect(await peer.pop(topic)).to.be.undefined;
      expect(await queue.ack(jobs)).to.deep.equal([true, false, true]);
    });

    it('an ack of no leases returns an empty list', async () => {
      const { queue } = world();
      expect(await queue.ack([])).to.deep.equal([]);
    });

    for (const [what, before, then, held] of [
      ['of which one was acknowledged before', [0], [0, 1, 2], [false, true, true]],
      ['some of a reservation, one acknowledged before', [0], [0, 1], [false, true]],
      ['in another order', [], [2, 0, 1], [true, true, true]],
      ['in another order, one acknowledged before', [1], [2, 1, 0], [true, false, true]],
    ] as const) {
      it(`an ack of several leases, ${what}, answers for each in the order given`, async () => {
        const { queue, peer, name } = world();
        const topic = name('topic');
        const pushed = await queue.pushMany(jobsOf(topic, 3));
        const jobs = await reserve(queue, topic, 3);
        const some = (numbers: readonly number[]) => numbers.map((n) => must(jobs[n]).lease);
        await queue.ack(some(before));
        expect(await peer.ack(some(then))).to.deep.equal(held);
        await queue.release(jobs);
        const left = pushed.filter((_, n) => ![...before, ...then].includes(n as never));
        expect(idsOf(await queue.popMany(topic, 10))).to.deep.equal(idsOf(left));
      });
    }

    it('an ack that names one lease twice ends it, and leaves the others leased', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3);
      const [one, two] = jobs.map(({ lease }) => lease);
      const answers = await peer.ack([must(one), must(one), must(two)]);
      expect([answers[0], answers[2]]).to.deep.equal([true, true]);
      await queue.release(jobs);
      expect(idsOf(await queue.popMany(topic, 10))).to.deep.equal(idsOf(pushed.slice(2)));
    });

    it('an ack of leases of two reservations, interleaved, answers for each in the order given', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 4));
      const one = await reserve(queue, topic, 2);
      const two = await reserve(queue, topic, 2);
      await queue.ack([must(one[0]), must(two[0])]);
      const turns = [0, 1].flatMap((i) => [must(one[i]), must(two[i])]);
      const until = await queue.extend(turns, LONG_MS);
      expect(until.map((at) => at !== undefined)).to.deep.equal([false, false, true, true]);
      expect(await peer.ack(turns)).to.deep.equal([false, false, true, true]);
    });

    it('an ack of 600 leases, a third of them already acknowledged, answers for each in order', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 600));
      await maintainAll(queue);
      const jobs = [...(await reserve(queue, topic, 300)), ...(await reserve(queue, topic, 300))];
      expect(jobs).to.have.length(600);
      const third = jobs.filter((_, i) => i % 3 === 0);
      expect(await queue.ack(third)).to.deep.equal(third.map(() => true));
      expect(await queue.ack(jobs)).to.deep.equal(jobs.map((_, i) => i % 3 !== 0));
    });

    it('an ack of a lost lease returns false, and leaves the job and its new lease alone', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      const late = await reserve(queue, topic, 1, 1000);
      clock.advance(1001);
      const again = await reserve(peer, topic);
      expect(again).to.have.length(1);
      expect(await queue.ack(late)).to.deep.equal([false]);
      expect(await queue.release(late)).to.deep.equal([false]);
      expect(areHeld(await queue.nack(late, { dead: true }))).to.deep.equal([false]);
      expect(await queue.extend(late, LONG_MS)).to.deep.equal([undefined]);
      expect(await drain(queue, topic)).to.be.empty;
      expect(await peer.ack(again)).to.deep.equal([true]);
    });

    it('an ack of a lost lease leaves a newer job of the same id alone', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'old' });
      const late = await reserve(queue, job.topic, 1, 1000);
      clock.advance(1001);
      expect(textOf(await peer.pop(job.topic))).to.equal('old');
      await peer.push({ ...job, body: 'new' });
      expect(await queue.ack(late)).to.deep.equal([false]);
      expect(await queue.release(late)).to.deep.equal([false]);
      expect(textOf(await peer.pop(job.topic))).to.equal('new');
    });
  });
}
