import { areHeld } from '../../support/jobs.js';
import { expect } from 'chai';
import { newToken } from '../../../src/core/lease.js';
import { failureOf } from '../../support/eventually.js';
import {
  drain,
  idsOf,
  jobsOf,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  statesOf,
  type World,
} from '../world.js';

/** Makes texts that no store accepts as a lease. */
export const NOT_LEASES: Record<string, (lease: string) => string> = {
  'an empty text': () => '',
  'any other word': () => 'nonsense',
  'a lease with something behind it': (lease) => `${lease}x`,
  'a lease with something before it': (lease) => `x${lease}`,
  'a lease with a newline behind it': (lease) => `${lease}\n`,
  'the beginning of a lease': (lease) => lease.split('.').slice(0, 2).join('.'),
  'a lease whose number is 0': (lease) => lease.replace(/\.\d+/, '.0'),
  'a glob': () => '*',
};

export function describeReserve(world: () => World): void {
  describe('reserve', () => {
    it('a reserved job is leased until its deadline by the clock of the store, and no one else gets it', async () => {
      const { queue, peer, clock, name } = world();
      const job = { id: name('id'), topic: name('topic'), body: 'b' };
      clock.stop();
      const { dueAt } = await queue.push({ ...job, ttlMs: LONG_MS });
      const { jobs } = await queue.reserve({ topics: job.topic, limit: 10, leaseMs: MINUTE_MS });
      const { lease, key, ...leased } = only(jobs);
      expect([lease, key].map((one) => typeof one)).to.deep.equal(['string', 'string']);
      expect(leased).to.deep.equal({
        id: Buffer.from(job.id),
        topic: Buffer.from(job.topic),
        body: Buffer.from('b'),
        state: 'leased',
        dueAt,
        expiresAt: new Date(clock.now() + LONG_MS),
        attempts: 1,
        leaseUntil: new Date(clock.now() + MINUTE_MS),
      });
      clock.advance(MINUTE_MS - 1);
      await maintainAll(queue);
      expect(await peer.pop(job.topic)).to.be.undefined;
      expect(await reserve(peer, job.topic)).to.be.empty;
      expect(await peer.remove(job.id)).to.be.false;
    });

    it('a reserve returns as many jobs as asked for, in order, each with its own lease', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 30));
      const jobs = await reserve(queue, topic, 20);
      expect(idsOf(jobs)).to.deep.equal(idsOf(pushed.slice(0, 20)));
      expect(new Set(jobs.map(({ lease }) => lease)).size).to.equal(20);
    });

    it('a reserve that finds nothing returns no jobs, and not that the topic is paused', async () => {
      const { queue, name } = world();
      const { jobs, isPaused } = await queue.reserve({ topics: name('topic'), limit: 5, leaseMs: 1000 });
      expect(jobs).to.deep.equal([]);
      expect(isPaused ?? false).to.be.false;
    });

    it('a reserve with the token of an earlier one returns the same jobs, so that a lost reply loses none', async () => {
      const { queue, store, peerStore, name } = world();
      const topics = [name('x'), name('y')].map((topic) => Buffer.from(topic));
      for (const topic of topics) await queue.pushMany(jobsOf(topic.toString(), 5));
      const params = { topics, limit: 7, leaseMs: LONG_MS, token: newToken() };
      const first = await store.reserve(params);
      const again = await peerStore.reserve(params);
      expect(first.jobs).to.have.length(7);
      expect(again.jobs).to.deep.equal(first.jobs);
      const other = await peerStore.reserve({ ...params, token: newToken() });
      expect(other.jobs).to.have.length(3);
      expect(idsOf(other.jobs)).to.not.include.members(idsOf(first.jobs));
      expect(await queue.ack(again.jobs)).to.deep.equal(again.jobs.map(() => true));
    });

    it('a reserve returns at most 500 jobs, and leaves the others to the next', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 700));
      await maintainAll(queue);
      expect(idsOf(await reserve(queue, topic, 10_000))).to.deep.equal(idsOf(pushed.slice(0, 500)));
      expect(idsOf(await reserve(queue, topic, 10_000))).to.deep.equal(idsOf(pushed.slice(500)));
    });
  });

  describe('invalid leases', () => {
    for (const [what, make] of Object.entries(NOT_LEASES)) {
      it(`${what} is refused as a lease, and valid leases in the same call stay held`, async () => {
        const { queue, peer, name } = world();
        const topic = name('topic');
        await queue.pushMany(jobsOf(topic, 2));
        const jobs = await reserve(queue, topic, 2);
        const [{ lease }, { id }] = [must(jobs[0]), must(jobs[1])];
        const leases = [lease, make(lease)];
        for (const call of [
          peer.ack(leases),
          peer.nack(leases, { delayMs: 0 }),
          peer.nack(leases, { dead: true }),
          peer.release(leases),
          peer.extend(leases, 1),
        ]) {
          const error = await failureOf(call);
          expect(error).to.include({ code: 'usage', exitCode: 2 });
          expect(error.message).to.contain('is not a lease');
        }
        expect(statesOf(await queue.find(id))).to.deep.equal(['leased']);
        expect(await queue.ack(jobs)).to.deep.equal([true, true]);
      });
    }

    it('a lease of an unknown reservation is not held', async () => {
      const { queue, peer, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      const jobs = await reserve(queue, topic);
      const { lease } = must(jobs[0]);
      const strange = lease.replace(/^[0-9a-f]{32}/, 'f'.repeat(32));
      expect(await peer.ack([strange])).to.deep.equal([false]);
      expect(await peer.release([strange])).to.deep.equal([false]);
      expect(areHeld(await peer.nack([strange], { delayMs: 0 }))).to.deep.equal([false]);
      expect(await peer.extend([strange], LONG_MS)).to.deep.equal([undefined]);
      expect(await drain(peer, topic)).to.be.empty;
      expect(await queue.ack([strange, lease])).to.deep.equal([false, true]);
    });
  });
}
