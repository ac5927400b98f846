import { expect } from 'chai';
import { BACKOFF_JITTER } from '../../../src/core/retry-policy.js';
import { HOUR_MS, jobsOf, LONG_MS, must, only, type World } from '../world.js';
import { fail, leaseOne, POLICY } from '../retry.js';

export function describeBackoff(world: () => World): void {
  /** Nacks a job `most` times; returns the pause (ms) after each attempt. */
  async function pauses(topic: string, retry: Parameters<typeof leaseOne>[2], jitter: number, most: number) {
    const { queue, store, clock } = world();
    const found: number[] = [];
    while (found.length < most) {
      const { dueAt } = await fail(store, await leaseOne(queue, topic, retry), {}, jitter);
      found.push(must(dueAt).getTime() - clock.now());
      clock.set(must(dueAt));
    }
    return found;
  }

  describe('backoff', () => {
    const retry = { ...POLICY, retries: 9 };

    for (const [jitter, expected] of [
      [0, [10_000, 20_000, 25_000, 25_000]],
      [1, [12_500, 25_000, 31_250, 31_250]],
      [-1, [7500, 15_000, 18_750, 18_750]],
    ] as const) {
      it(`pauses double up to the longest pause of the policy, shifted by the jitter (${jitter})`, async () => {
        const { queue, clock, name } = world();
        const topic = name('topic');
        clock.stop();
        await queue.push({ topic, body: 'b' });
        expect(await pauses(topic, retry, jitter, 4)).to.deep.equal(expected);
      });
    }

    it('the backoff of the job itself takes precedence over that of the policy', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      await queue.push({ topic, body: 'b', backoff: { firstMs: 100, lastMs: 300 } });
      expect(await pauses(topic, retry, 0, 3)).to.deep.equal([100, 200, 300]);
    });

    it('without a retry policy a job has its own backoff, or pauses from 1 s to 10 minutes', async () => {
      const { queue, clock, name } = world();
      const [own, plain] = [name('own'), name('plain')];
      clock.stop();
      await queue.push({ topic: own, body: 'b', backoff: { firstMs: 0, lastMs: 0 } });
      await queue.push({ topic: plain, body: 'b' });
      expect(await pauses(own, false, 1, 2)).to.deep.equal([0, 0]);
      expect(await pauses(plain, false, 0, 3)).to.deep.equal([1000, 2000, 4000]);
    });

    it('a job that is retried is due at the time that its nack returned, with its whole ready lifetime from then on', async () => {
      const { queue, store, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b', ttlMs: HOUR_MS });
      const { dueAt } = await fail(store, await leaseOne(queue, topic));
      expect(only(await queue.find(id))).to.deep.include({
        state: 'delayed',
        attempts: 1,
        dueAt: new Date(clock.now() + 10_000),
        expiresAt: new Date(clock.now() + 10_000 + HOUR_MS),
      });
      clock.set(must(dueAt).getTime() - 1);
      expect(await queue.pop(topic)).to.be.undefined;
      clock.advance(1);
      expect(await queue.pop(topic)).to.deep.include({ attempts: 2, dueAt });
    });

    it('jobs that fail one after the other are due at random times, within a quarter of the pause', async () => {
      const { queue, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      await queue.pushMany(jobsOf(topic, 20));
      const { jobs } = await queue.reserve({ topics: topic, limit: 20, leaseMs: LONG_MS, retry });
      const waits: number[] = [];
      for (const job of jobs) {
        const { dueAt } = only(await queue.nack([job]));
        waits.push(must(dueAt).getTime() - clock.now());
      }
      const off = waits.map((ms) => Math.abs(ms - 10_000));
      expect(Math.max(...off)).to.be.at.most(10_000 * BACKOFF_JITTER);
      expect(new Set(waits).size).to.be.above(5);
    });
  });
}
