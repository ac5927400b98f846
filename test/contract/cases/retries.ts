import { expect } from 'chai';
import { DAY_MS, HOUR_MS, jobsOf, LONG_MS, MINUTE_MS, must, only, type World } from '../world.js';
import { fail, leaseOne, POLICY } from '../retry.js';

export function describeRetries(world: () => World): void {
  /** Reserves and nacks a job until it is dead, at most `most` times; returns the outcomes. */
  async function failures(topic: string, most: number, retry: Parameters<typeof leaseOne>[2]) {
    const { queue, store, clock } = world();
    const outcomes: string[] = [];
    while (outcomes.length < most && outcomes.at(-1) !== 'dead') {
      const job = await leaseOne(queue, topic, retry);
      expect(job.attempts).to.equal(outcomes.length + 1);
      outcomes.push((await fail(store, job)).outcome);
      clock.advance(HOUR_MS);
    }
    return outcomes;
  }

  describe('retries', () => {
    it('a job that fails is retried as often as the policy of its lease says, and then becomes a dead letter', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      expect(await failures(topic, 9, POLICY)).to.deep.equal(['retried', 'retried', 'dead']);
      expect(only(await queue.find(id))).to.deep.include({
        state: 'dead',
        attempts: 3,
        body: Buffer.from('b'),
      });
    });

    it('a job without retries becomes a dead letter at its first failure, kept as long as the policy says', async () => {
      const { queue, store, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b' });
      const job = await leaseOne(queue, topic, { ...POLICY, retries: 0 });
      clock.advance(MINUTE_MS);
      expect(await fail(store, job, { reason: 'why' })).to.deep.equal({ outcome: 'dead' });
      expect(only(await queue.find(id))).to.deep.include({
        state: 'dead',
        reason: 'why',
        failedAt: new Date(clock.now()),
        deadUntil: new Date(clock.now() + DAY_MS),
      });
      expect(await queue.ack([job])).to.deep.equal([false]);
    });

    it('a policy with deadTtlMs 0 keeps dead letters for ever', async () => {
      const { queue, store, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b' });
      await fail(store, await leaseOne(queue, topic, { retries: 0, deadTtlMs: 0 }));
      expect(only(await queue.find(id)).deadUntil).to.be.undefined;
    });

    it('a job has 3 retries by default', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      expect(await failures(topic, 9, {})).to.deep.equal(['retried', 'retried', 'retried', 'dead']);
    });

    for (const [retries, policy] of [
      [0, 5],
      [1, 0],
      [3, 1],
    ] as const) {
      it(`a job with ${retries} retries of its own ignores the ${policy} of the policy`, async () => {
        const { queue, name } = world();
        const topic = name('topic');
        await queue.push({ topic, body: 'b', retries });
        const outcomes = await failures(topic, 9, { ...POLICY, retries: policy });
        expect(outcomes).to.deep.equal([...Array<string>(retries).fill('retried'), 'dead']);
      });
    }

    it('a job that has only a backoff of its own has the retries of the policy', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b', backoff: { firstMs: 1, lastMs: 2 } });
      expect(await failures(topic, 9, { ...POLICY, retries: 1 })).to.deep.equal(['retried', 'dead']);
    });

    for (const [what, retries] of [
      ['a job', undefined],
      ['a job with retries of its own', 0],
    ] as const) {
      it(`${what} is retried without limit if there is no policy`, async () => {
        const { queue, name } = world();
        const topic = name('topic');
        await queue.push({ topic, body: 'b', retries });
        expect(await failures(topic, 6, false)).to.deep.equal(Array<string>(6).fill('retried'));
      });
    }

    it('the policy of the lease that fails counts, whatever policies earlier leases had', async () => {
      const { queue, store, clock, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      expect((await fail(store, await leaseOne(queue, topic, { retries: 9 }))).outcome).to.equal('retried');
      clock.advance(HOUR_MS);
      expect((await fail(store, await leaseOne(queue, topic, false))).outcome).to.equal('retried');
      clock.advance(HOUR_MS);
      expect((await fail(store, await leaseOne(queue, topic, { retries: 2 }))).outcome).to.equal('dead');
    });

    it('the delay of a nack sets when a job is retried, but does not add retries', async () => {
      const { queue, store, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', backoff: { firstMs: 5, lastMs: 6 } });
      const dueAt = new Date(clock.now() + MINUTE_MS);
      const first = await leaseOne(queue, topic, { ...POLICY, retries: 1 });
      expect(await fail(store, first, { delayMs: MINUTE_MS }, 1)).to.deep.equal({
        outcome: 'retried',
        dueAt,
      });
      expect(only(await queue.find(id))).to.deep.include({ state: 'delayed', dueAt });
      clock.advance(MINUTE_MS);
      const second = await leaseOne(queue, topic, { ...POLICY, retries: 1 });
      expect(await fail(store, second, { delayMs: MINUTE_MS })).to.deep.equal({ outcome: 'dead' });
      expect(only(await queue.find(id)).state).to.equal('dead');
    });

    it('a nack with dead makes a dead letter although retries are left, kept as long as the nack says', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const [one, two] = await queue.pushMany(jobsOf(topic, 2));
      const { jobs } = await queue.reserve({ topics: topic, limit: 2, leaseMs: LONG_MS, retry: POLICY });
      expect(await queue.nack(jobs.slice(0, 1), { dead: true })).to.deep.equal([{ outcome: 'dead' }]);
      await queue.nack(jobs.slice(1), { dead: true, deadTtlMs: HOUR_MS });
      const until = async (pushed: typeof one) => only(await queue.find(must(pushed).id)).deadUntil;
      expect(await until(one)).to.deep.equal(new Date(clock.now() + DAY_MS));
      expect(await until(two)).to.deep.equal(new Date(clock.now() + HOUR_MS));
    });

    it('a release uses up no retry', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      await queue.push({ topic, body: 'b' });
      for (let i = 0; i < 5; i += 1)
        expect(await queue.release([await leaseOne(queue, topic)])).to.deep.equal([true]);
      expect(await failures(topic, 9, POLICY)).to.deep.equal(['retried', 'retried', 'dead']);
    });

    it('a lease that was extended alone keeps its policy', async () => {
      const { queue, store, name } = world();
      const topic = name('topic');
      await queue.pushMany(jobsOf(topic, 2));
      const retry = { ...POLICY, retries: 0 };
      const { jobs } = await queue.reserve({ topics: topic, limit: 2, leaseMs: LONG_MS, retry });
      await queue.extend(jobs.slice(1), 2 * LONG_MS);
      for (const job of jobs) expect((await fail(store, job)).outcome).to.equal('dead');
    });

    it('jobs that are nacked together each follow their own settings and attempts, and are answered in order', async () => {
      const { queue, peerStore, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      await queue.push({ topic, body: 'tried before' });
      expect((await fail(peerStore, await leaseOne(queue, topic))).outcome).to.equal('retried');
      clock.advance(10 * 1000);
      const at = clock.now();
      await queue.pushMany([
        { topic, body: 'no retry', retries: 0 },
        { topic, body: 'plain' },
        { topic, body: 'own pause', backoff: { firstMs: 7, lastMs: 7 } },
        { topic, body: 'acked before' },
      ]);
      const { jobs } = await queue.reserve({ topics: topic, limit: 9, leaseMs: LONG_MS, retry: POLICY });
      expect(jobs).to.have.length(5);
      await queue.ack(jobs.slice(4));
      const byBody = new Map(jobs.map((job) => [job.body.toString(), job.lease]));
      const order = ['acked before', 'own pause', 'tried before', 'no retry', 'plain'];
      const leases = order.map((body) => must(byBody.get(body)));
      expect(await peerStore.nack({ leases, failure: { isDead: false }, jitter: 0 })).to.deep.equal([
        { outcome: 'not_held' },
        { outcome: 'retried', dueAt: new Date(at + 7) },
        { outcome: 'retried', dueAt: new Date(at + 20_000) },
        { outcome: 'dead' },
        { outcome: 'retried', dueAt: new Date(at + 10_000) },
      ]);
    });
  });
}
