import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import {
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  SECOND_MS,
  textOf,
  type World,
} from '../world.js';

export function describeExtend(world: () => World): void {
  describe('extend', () => {
    /** Reserves three jobs together for a minute, with the clock stopped. */
    async function threeLeased() {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const pushed = await queue.pushMany(jobsOf(topic, 3));
      const jobs = await reserve(queue, topic, 3, MINUTE_MS);
      const [one = '', two = '', three = ''] = jobs.map(({ lease }) => lease);
      return { topic, pushed, jobs, leases: [one, two, three] as const };
    }

    it('an extend makes a lease end the given time from now, and returns when', async () => {
      const { queue, peer, clock } = world();
      const { topic, jobs, leases } = await threeLeased();
      clock.advance(30 * SECOND_MS);
      const until = new Date(clock.now() + LONG_MS);
      expect(await peer.extend(leases, LONG_MS)).to.deep.equal([until, until, until]);
      for (const { id, lease } of jobs) {
        expect(only(await queue.find(id))).to.deep.include({ state: 'leased', lease, leaseUntil: until });
      }
      clock.advance(LONG_MS - 1);
      await maintainAll(peer);
      expect(await peer.pop(topic)).to.be.undefined;
      expect(await queue.ack(leases)).to.deep.equal([true, true, true]);
    });

    it('an extend may make a lease end sooner', async () => {
      const { queue, peer, clock } = world();
      const { topic, pushed, leases } = await threeLeased();
      expect(await queue.extend(leases, SECOND_MS)).to.deep.equal(
        leases.map(() => new Date(clock.now() + SECOND_MS)),
      );
      clock.advance(SECOND_MS + 1);
      expect(idsOf(await peer.popMany(topic, 5))).to.deep.equal(idsOf(pushed));
      expect(await queue.ack(leases)).to.deep.equal([false, false, false]);
    });

    it('an extend by the bare lease string of one of three leases extends only that one', async () => {
      const { queue, peer, clock } = world();
      const { topic, jobs, leases } = await threeLeased();
      const until = new Date(clock.now() + LONG_MS);
      expect(await peer.extend([leases[1]], LONG_MS)).to.deep.equal([until]);
      expect(only(await queue.find(must(jobs[1]).id)).leaseUntil).to.deep.equal(until);
      expect(only(await queue.find(must(jobs[0]).id)).leaseUntil).to.deep.equal(must(jobs[0]).leaseUntil);
      clock.advance(MINUTE_MS + 1);
      await maintainAll(peer);
      expect((await peer.popMany(topic, 5)).map(textOf)).to.deep.equal(['body 0', 'body 2']);
      expect(only(await queue.find(must(jobs[1]).id))).to.deep.include({
        state: 'leased',
        lease: leases[1],
        attempts: 1,
      });
      expect(await peer.ack([leases[1]])).to.deep.equal([true]);
      expect(await peer.find(must(jobs[1]).id)).to.be.empty;
      expect(await queue.ack(leases)).to.deep.equal([false, false, false]);
    });

    it('a lease that was extended alone is acknowledged with the rest of its reservation', async () => {
      const { queue, peer } = world();
      const { leases } = await threeLeased();
      await peer.extend([leases[1]], LONG_MS);
      expect(await queue.ack(leases)).to.deep.equal([true, true, true]);
      expect((await queue.stats()).topics).to.deep.equal([]);
      expect(await queue.ack(leases)).to.deep.equal([false, false, false]);
    });

    it('a lease that was extended alone is released with the rest of its reservation, each job to its old place', async () => {
      const { queue, peer } = world();
      const { topic, pushed, leases } = await threeLeased();
      await peer.extend([leases[0]], LONG_MS);
      expect(await queue.release(leases)).to.deep.equal([true, true, true]);
      const got = await peer.popMany(topic, 5);
      expect(idsOf(got)).to.deep.equal(idsOf(pushed));
      expect(got.map(({ attempts }) => attempts)).to.deep.equal([1, 1, 1]);
    });

    it('leases that were extended one by one can be extended together', async () => {
      const { queue, peer, clock } = world();
      const { topic, pushed, leases } = await threeLeased();
      await peer.extend([leases[0]], LONG_MS);
      await peer.extend([leases[2], leases[1]], LONG_MS);
      clock.advance(MINUTE_MS);
      const until = new Date(clock.now() + MINUTE_MS);
      expect(await queue.extend(leases, MINUTE_MS)).to.deep.equal([until, until, until]);
      clock.advance(MINUTE_MS - 1);
      await maintainAll(peer);
      expect(await peer.pop(topic)).to.be.undefined;
      clock.advance(2);
      expect(idsOf(await peer.popMany(topic, 5))).to.deep.equal(idsOf(pushed));
    });

    it('an extend of several leases returns undefined for one that was acknowledged, and extends the others', async () => {
      const { queue, clock } = world();
      const { jobs, leases } = await threeLeased();
      await queue.ack([leases[0]]);
      const until = new Date(clock.now() + LONG_MS);
      expect(await queue.extend(leases, LONG_MS)).to.deep.equal([undefined, until, until]);
      expect(only(await queue.find(must(jobs[1]).id)).leaseUntil).to.deep.equal(until);
    });

    it('an extend of a lost lease returns undefined, and leaves nothing behind', async () => {
      const { queue } = world();
      const { leases } = await threeLeased();
      await queue.ack(leases);
      expect(await queue.extend(leases, LONG_MS)).to.deep.equal([undefined, undefined, undefined]);
      expect(await queue.extend([leases[1]], LONG_MS)).to.deep.equal([undefined]);
      expect((await queue.maintain()).nextInMs).to.be.undefined;
      expect(await queue.extend([], LONG_MS)).to.deep.equal([]);
    });

    it('a nack of one of three leases that was extended alone leaves the others leased', async () => {
      const { queue, peer, clock } = world();
      const { topic, jobs, leases } = await threeLeased();
      await peer.extend([leases[2]], LONG_MS);
      expect(areHeld(await peer.nack([leases[2]], { delayMs: LONG_MS }))).to.deep.equal([true]);
      expect(only(await queue.find(must(jobs[2]).id))).to.deep.include({
        state: 'delayed',
        dueAt: new Date(clock.now() + LONG_MS),
      });
      expect(await peer.pop(topic)).to.be.undefined;
      expect(await queue.ack(leases)).to.deep.equal([true, true, false]);
    });

    it('leases of a reservation of 300 that are extended alone leave the others to end on time', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 300));
      await maintainAll(queue);
      const jobs = await reserve(queue, topic, 300, MINUTE_MS);
      const some = jobs.filter((_, i) => i % 7 === 0);
      await peer.extend(some, LONG_MS);
      clock.advance(MINUTE_MS + 1);
      await maintainAll(peer);
      expect(idsOf(await peer.popMany(topic, 500))).to.deep.equal(idsOf(jobs.filter((_, i) => i % 7 !== 0)));
      expect(await queue.ack(jobs)).to.deep.equal(jobs.map((_, i) => i % 7 === 0));
    });
  });
}
