import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import type { Burial } from '../../../src/core/results.js';
import {
  DAY_MS,
  HOUR_MS,
  jobsOf,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  SECOND_MS,
  statesOf,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne, POLICY } from '../retry.js';

/** The calls that end leases and make dead letters of jobs with no retry left. */
const WAYS: Record<string, (queue: Queue, topic: string) => Promise<readonly Burial[]>> = {
  'a reserve': async (queue, topics) =>
    (await queue.reserve({ topics, limit: 5, leaseMs: HOUR_MS })).buried ?? [],
  'a maintain': async (queue) => (await queue.maintain()).buried ?? [],
};

export function describeLeaseEnds(world: () => World): void {
  const popFrom = async (topic: string) => world().peerStore.pop({ topics: [Buffer.from(topic)], limit: 5 });

  describe('retries of jobs whose lease ends', () => {
    for (const [what, comeBy] of Object.entries({
      ...WAYS,
      'a pop': async (_: Queue, topic: string) => (await popFrom(topic)).buried ?? [],
    })) {
      it(`a job whose lease ends with no retry left is made a dead letter by ${what}, and is reported once`, async () => {
        const { queue, peer, clock, name } = world();
        const topic = name('topic');
        clock.stop();
        const { id } = await queue.push({ topic, body: 'b' });
        const job = await leaseOne(queue, topic, { ...POLICY, retries: 0 }, MINUTE_MS);
        clock.advance(MINUTE_MS + 1);
        const reason = 'its lease ended once';
        expect(await comeBy(peer, topic)).to.deep.equal([{ id, topic: Buffer.from(topic), reason }]);
        expect(only(await queue.find(id))).to.deep.include({
          state: 'dead',
          attempts: 1,
          body: Buffer.from('b'),
          reason,
          failedAt: new Date(clock.now()),
          deadUntil: new Date(clock.now() + DAY_MS),
        });
        expect(await comeBy(peer, topic)).to.deep.equal([]);
        expect(await queue.ack([job])).to.deep.equal([false]);
      });
    }

    it('a lease that ends counts as an attempt: the job comes back while retries are left, and then becomes a dead letter', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      for (const attempts of [1, 2, 3]) {
        expect(await leaseOne(queue, topic, POLICY, MINUTE_MS)).to.include({ attempts });
        clock.advance(MINUTE_MS + 1);
        const { reclaimed, buried } = await peer.maintain();
        expect([reclaimed, buried?.length ?? 0]).to.deep.equal(attempts < 3 ? [1, 0] : [0, 1]);
      }
      expect(only(await queue.find(id))).to.include({
        state: 'dead',
        attempts: 3,
        reason: 'its lease ended 3 times',
      });
    });

    it('the reason of a dead letter counts the leases that ended, without the attempts that failed', async () => {
      const { queue, store, clock, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      expect((await fail(store, await leaseOne(queue, topic))).outcome).to.equal('retried');
      for (let i = 0; i < 2; i += 1) {
        clock.advance(MINUTE_MS + 1);
        await leaseOne(queue, topic, POLICY, MINUTE_MS);
      }
      clock.advance(MINUTE_MS + 1);
      const { buried } = await queue.maintain();
      expect(buried?.map(({ reason }) => reason)).to.deep.equal(['its lease ended 2 times']);
      expect(only(await queue.find(id))).to.include({ state: 'dead', attempts: 3 });
    });

    it('a job with no retry left after a failure becomes a dead letter when its next lease ends', async () => {
      const { queue, store, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      const retry = { ...POLICY, retries: 1 };
      expect((await fail(store, await leaseOne(queue, topic, retry))).outcome).to.equal('retried');
      clock.advance(MINUTE_MS);
      await leaseOne(queue, topic, retry, MINUTE_MS);
      clock.advance(MINUTE_MS + 1);
      expect((await queue.maintain()).buried?.map(({ reason }) => reason)).to.deep.equal([
        'its lease ended once',
      ]);
    });

    it('each job of a reservation follows its own retries', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const [none, some] = await queue.pushMany([
        { topic, body: 'none', retries: 0 },
        { topic, body: 'some', retries: 1 },
        { topic, body: 'plain' },
      ]);
      const retry = { ...POLICY, retries: 1 };
      await queue.reserve({ topics: topic, limit: 3, leaseMs: MINUTE_MS, retry });
      clock.advance(MINUTE_MS + 1);
      const { jobs, buried } = await peer.reserve({ topics: topic, limit: 9, leaseMs: MINUTE_MS, retry });
      expect(buried?.map(({ id }) => id)).to.deep.equal([must(none).id]);
      expect(jobs.map((job) => [textOf(job), job.attempts])).to.deep.equal([
        ['some', 2],
        ['plain', 2],
      ]);
      await queue.ack(jobs.slice(1));
      clock.advance(MINUTE_MS + 1);
      expect((await peer.maintain()).buried?.map(({ id }) => id)).to.deep.equal([must(some).id]);
    });

    it('without a retry policy a job comes back however often its lease ends, whatever its own retries', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b', retries: 0 });
      for (let attempts = 1; attempts <= 12; attempts += 1) {
        const { jobs, buried } = await peer.reserve({
          topics: topic,
          limit: 5,
          leaseMs: MINUTE_MS,
          retry: false,
        });
        expect(buried ?? []).to.be.empty;
        expect(only(jobs).attempts).to.equal(attempts);
        clock.advance(MINUTE_MS + 1);
      }
      expect((await peer.maintain()).buried ?? []).to.be.empty;
      expect(await queue.pop(topic)).to.include({ attempts: 13 });
    });

    it('a pop of another topic also makes dead letters of ended leases, and reports them', async () => {
      const { queue, clock, name } = world();
      const [topic, other] = [name('topic'), name('other')];
      const { id } = await queue.push({ topic, body: 'b' });
      await leaseOne(queue, topic, { ...POLICY, retries: 0 }, SECOND_MS);
      clock.advance(SECOND_MS + 1);
      expect((await popFrom(other)).buried).to.deep.equal([
        { id, topic: Buffer.from(topic), reason: 'its lease ended once' },
      ]);
    });

    it('a dead letter of a lease that ended is kept beside the newer job of its id', async () => {
      const { queue, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'first' });
      await leaseOne(queue, job.topic, { ...POLICY, retries: 0 }, SECOND_MS);
      await queue.push({ ...job, body: 'second', delayMs: HOUR_MS });
      clock.advance(SECOND_MS + 1);
      await maintainAll(queue);
      const found = await queue.find(job.id);
      expect(statesOf(found)).to.deep.equal(['delayed', 'dead']);
      expect(found.map(textOf)).to.deep.equal(['second', 'first']);
    });

    it('an extended lease ends at its extended time, under its retry policy', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 2));
      const retry = { ...POLICY, retries: 0 };
      const { jobs } = await queue.reserve({ topics: topic, limit: 2, leaseMs: SECOND_MS, retry });
      await queue.extend(jobs.slice(1), MINUTE_MS);
      const bodies: string[] = [];
      for (const ms of [SECOND_MS + 1, MINUTE_MS]) {
        clock.advance(ms);
        const { buried = [] } = await queue.maintain();
        for (const { id } of buried) bodies.push(must(textOf(only(await queue.find(id)))));
      }
      expect(bodies).to.deep.equal(['body 0', 'body 1']);
    });

    it('1200 jobs whose leases end together become dead letters in bounded steps, each reported once', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      const pushed = await queue.pushMany(jobsOf(topic, 1200));
      await maintainAll(queue);
      const retry = { ...POLICY, retries: 0 };
      for (let i = 0; i < 6; i += 1)
        await queue.reserve({ topics: topic, limit: 200, leaseMs: MINUTE_MS, retry });
      clock.advance(MINUTE_MS + SECOND_MS);
      const told: string[] = [];
      for (let more = true; more;) {
        const step = await peer.maintain();
        const { buried = [] } = step;
        expect(buried.length).to.be.at.most(600);
        told.push(...buried.map(({ id }) => id.toString()));
        ({ more } = step);
      }
      expect(told.sort()).to.deep.equal(pushed.map(({ id }) => id.toString()).sort());
      expect((await queue.stats()).totals).to.include({ dead: 1200, leased: 0, ready: 0 });
    });
  });
}
