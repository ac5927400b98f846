import { expect } from 'chai';
import {
  idsOf,
  jobsOf,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  SECOND_MS,
  textOf,
  type World,
} from '../world.js';

export function describeReclaim(world: () => World): void {
  describe('leases that end', () => {
    it('a job whose lease ends comes back, with its attempts counted', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      for (const attempts of [1, 2, 3]) {
        expect(only(await reserve(queue, topic, 1, SECOND_MS)).attempts).to.equal(attempts);
        clock.advance(SECOND_MS + 1);
      }
      expect(await peer.pop(topic)).to.deep.include({ body: Buffer.from('b'), attempts: 4 });
      expect(await peer.pop(topic)).to.be.undefined;
    });

    it('a lease is held in the millisecond before its deadline, and ends at its deadline', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      await queue.push({ topic, body: 'b' });
      await reserve(queue, topic, 1, SECOND_MS);
      clock.advance(SECOND_MS - 1);
      expect(await peer.maintain()).to.include({ reclaimed: 0 });
      clock.advance(1);
      expect(await peer.maintain()).to.include({ reclaimed: 1 });
    });

    it('maintain returns how many jobs came back', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3, SECOND_MS);
      clock.advance(SECOND_MS + 1);
      expect((await peer.maintain()).reclaimed).to.equal(3);
      expect((await peer.maintain()).reclaimed).to.equal(0);
      expect(only(await queue.find(must(jobs[0]).id))).to.include({ state: 'ready', attempts: 1 });
    });

    it('jobs whose leases end come back before those due later, in their old order', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 15));
      await reserve(queue, topic, 12, SECOND_MS);
      clock.advance(SECOND_MS + 1);
      expect(idsOf(await peer.popMany(topic, 20))).to.deep.equal(idsOf(pushed));
    });

    for (const [what, leases, steps] of [
      ['the first one first', [SECOND_MS, MINUTE_MS], true],
      ['the second one first', [MINUTE_MS, SECOND_MS], true],
      ['both at the same time', [SECOND_MS, SECOND_MS], false],
    ] as const) {
      it(`jobs of two reservations whose leases end (${what}) come back in their old order, before those pushed later`, async () => {
        const { queue, peer, clock, name } = world();
        const topic = name('topic');
        const pushed = await queue.pushMany(jobsOf(topic, 9));
        await reserve(queue, topic, 3, leases[0]);
        await reserve(peer, topic, 3, leases[1]);
        clock.advance(10);
        const later = await queue.pushMany(jobsOf(topic, 3));
        await maintainAll(queue);
        for (const ms of steps ? [2 * SECOND_MS, 2 * MINUTE_MS] : [2 * SECOND_MS]) {
          clock.advance(ms);
          await maintainAll(peer);
        }
        expect(idsOf(await peer.popMany(topic, 20))).to.deep.equal(idsOf([...pushed, ...later]));
      });
    }

    it('jobs that were released and reserved again come back in their old order', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 6));
      const first = await reserve(queue, topic, 4);
      await queue.release([must(first[2]), must(first[0])]);
      await reserve(peer, topic, 3, SECOND_MS); // Jobs 0, 2 and 4.
      clock.advance(SECOND_MS + 1);
      await maintainAll(peer);
      await queue.release(first);
      const got = await peer.popMany(topic, 20);
      expect(idsOf(got)).to.deep.equal(idsOf(pushed));
      expect(got.map(({ attempts }) => attempts)).to.deep.equal([2, 1, 2, 1, 2, 1]);
    });

    it('1200 leases that end together are ended in bounded steps', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 1200));
      for (let i = 0; i < 6; i += 1) await reserve(queue, topic, 200, MINUTE_MS);
      clock.advance(MINUTE_MS + 1000);
      const steps = [await queue.maintain()];
      while (steps.at(-1)?.more === true) steps.push(await queue.maintain());
      const reclaimed = steps.map((step) => step.reclaimed);
      expect(reclaimed.reduce((sum, jobs) => sum + jobs)).to.equal(1200);
      expect(Math.max(...reclaimed)).to.be.at.most(600);
    });

    it('a job whose lease has ended is popped although 600 leases of another topic ended before', async () => {
      const { queue, peer, clock, name } = world();
      const [topic, other] = [name('topic'), name('other')];
      await queue.pushMany(jobsOf(other, 600));
      for (let i = 0; i < 2; i += 1) await reserve(queue, other, 300, SECOND_MS);
      await queue.push({ topic, body: 'behind' });
      await reserve(queue, topic, 1, 2 * SECOND_MS);
      clock.advance(3 * SECOND_MS);
      expect(textOf(await peer.pop(topic))).to.equal('behind');
    });

    it('1200 jobs each come back once when two processes reclaim them at the same time', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 1200));
      await maintainAll(queue);
      for (let i = 0; i < 3; i += 1) await reserve(queue, topic, 400, MINUTE_MS);
      clock.advance(MINUTE_MS + 1000);
      await Promise.all([maintainAll(queue), maintainAll(peer)]);
      const got: string[] = [];
      for (let i = 0; i < 3; i += 1) got.push(...idsOf(await peer.popMany(topic, 500)));
      expect(got).to.deep.equal(idsOf(pushed));
    });

    it('an ack after the deadline that returns true deletes the job, and one that returns false leaves it to be delivered', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      const jobs = await reserve(queue, topic, 1, SECOND_MS);
      clock.advance(SECOND_MS + 1);
      const [held] = await queue.ack(jobs);
      expect(await peer.popMany(topic, 5)).to.have.length(held === true ? 0 : 1);
    });
  });
}
