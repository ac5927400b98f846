import { expect } from 'chai';
import {
  HOUR_MS,
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  RETRY_MS,
  SECOND_MS,
  textOf,
  type World,
} from '../world.js';
import { fail, leaseOne } from '../retry.js';

const OWN = { retries: 5, backoff: { firstMs: 250, lastMs: 90_000 } };

export function describeOwnSettings(world: () => World): void {
  /** The retry settings of a job, without undefined fields. */
  const ownOf = ({ retries, backoff }: { retries?: unknown; backoff?: unknown }) => ({
    ...(retries === undefined ? {} : { retries }),
    ...(backoff === undefined ? {} : { backoff }),
  });

  describe('the retry settings of a job itself', () => {
    for (const [what, own] of Object.entries({
      'retries and pauses': OWN,
      'retries alone': { retries: 0 },
      'pauses alone': { backoff: OWN.backoff },
      nothing: {},
    })) {
      it(`are shown as they were pushed (${what}), in every state of the job`, async () => {
        const { queue, peer, store, clock, name } = world();
        const topic = name('topic');
        const { id } = await queue.push({ topic, body: 'b', delayMs: MINUTE_MS, ...own });
        const see = async (state: string) => {
          for (const job of [only(await peer.find(id)), only((await peer.list(topic)).jobs)])
            expect([job.state, ownOf(job)]).to.deep.equal([state, own]);
        };
        await see('delayed');
        clock.advance(MINUTE_MS + 1);
        await maintainAll(queue);
        await see('ready');
        const job = await leaseOne(queue, topic, false);
        expect(ownOf(job)).to.deep.equal(own);
        await see('leased');
        await fail(store, job, { isDead: true });
        await see('dead');
        await queue.requeue([id]);
        await maintainAll(queue);
        await see('ready');
        expect(ownOf(must(await peer.pop(topic)))).to.deep.equal(own);
      });
    }

    it('stay with each job when many are pushed and taken together', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const jobs = Array.from({ length: 60 }, (_, i) => ({
        ...{ topic, body: `${i}` },
        ...(i % 3 === 0 ? { retries: i } : {}),
      }));
      await queue.pushMany(jobs);
      const taken = [...(await reserve(queue, topic, 30)), ...(await queue.popMany(topic, 30))];
      for (const job of taken) {
        const i = Number(textOf(job));
        expect(job.retries, `${i}`).to.equal(i % 3 === 0 ? i : undefined);
      }
      expect(taken).to.have.length(60);
    });

    it('are kept over a release, a retry, an ended lease, and while the job waits for a duplicate', async () => {
      const { queue, store, clock, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      await queue.push({ ...job, body: 'older', ...OWN });
      const again = async (leaseMs = LONG_MS) => {
        const leased = await leaseOne(queue, job.topic, false, leaseMs);
        expect([textOf(leased), ownOf(leased)]).to.deep.equal(['older', OWN]);
        return leased;
      };
      await queue.release([await again()]);
      await fail(store, await again(), { delayMs: 0 });
      await again(SECOND_MS);
      clock.advance(SECOND_MS + 1);
      await maintainAll(queue);
      const last = await again();
      await queue.push({ ...job, body: 'newer' });
      await queue.release([last]);
      const seen = (await queue.find(job.id)).map((one) => [textOf(one), ownOf(one)]);
      expect(seen).to.deep.equal([
        ['newer', {}],
        ['older', OWN],
      ]);
      expect(ownOf(must(await queue.pop(job.topic)))).to.deep.equal({});
      clock.advance(RETRY_MS);
      await maintainAll(queue);
      await again();
    });

    it('are kept by a push of the same content, and replaced by a push that replaces the job', async () => {
      const { queue, name } = world();
      const job = { id: name('id'), topic: name('topic') };
      const own = async () => ownOf(only(await queue.find(job.id)));
      await queue.push({ ...job, body: 'b', ...OWN });
      expect(await queue.push({ ...job, body: 'b', retries: 1 })).to.include({ outcome: 'repeated' });
      expect(await own()).to.deep.equal(OWN);
      const replace = { onExisting: 'replace' } as const;
      await queue.push({ ...job, body: 'c', retries: 2 }, replace);
      expect(await own()).to.deep.equal({ retries: 2 });
      await queue.push({ ...job, body: 'd' }, replace);
      expect(await own()).to.deep.equal({});
    });

    it('are kept when a popped job is restored', async () => {
      const { queue, name } = world();
      const topic = name('topic');
      const { id } = await queue.push({ topic, body: 'b', ...OWN });
      expect(await queue.restore([must(await queue.pop(topic))])).to.deep.equal([]);
      expect(ownOf(only(await queue.find(id)))).to.deep.equal(OWN);
    });
  });

  describe('the holder of a lease', () => {
    it('is shown by find and list, with the time of the lease, as the reserve named it', async () => {
      const { queue, peer, clock, name } = world();
      const topic = name('topic');
      clock.stop();
      const { id } = await queue.push({ topic, body: 'b' });
      const leasedAt = new Date(clock.now());
      const params = { topics: topic, limit: 1, leaseMs: HOUR_MS, holder: 'hostß:4711' };
      const { jobs } = await queue.reserve(params);
      clock.advance(MINUTE_MS);
      const expected = { state: 'leased', leasedBy: 'hostß:4711', leasedAt };
      for (const job of [only(await peer.find(id)), only((await peer.list(topic)).jobs)])
        expect(job).to.deep.include(expected);
      await queue.extend(jobs, 2 * HOUR_MS);
      expect(only(await peer.find(id))).to.deep.include(expected);
      await queue.release(jobs);
      const released = only(await peer.find(id));
      expect([released.leasedBy, released.leasedAt]).to.deep.equal([undefined, undefined]);
    });

    it('is shown for a lease that was extended alone, and is absent if the reserve named none', async () => {
      const { queue, name } = world();
      const [topic, other] = [name('topic'), name('other')];
      await queue.pushMany([0, 1].map((i) => ({ topic, body: `${i}` })));
      const { id } = await queue.push({ topic: other, body: 'b' });
      const { jobs } = await queue.reserve({ topics: topic, limit: 2, leaseMs: MINUTE_MS, holder: 'h:1' });
      await queue.extend(jobs.slice(0, 1), LONG_MS);
      for (const job of jobs) expect(only(await queue.find(job.id)).leasedBy).to.equal('h:1');
      await reserve(queue, other);
      expect(only(await queue.find(id)).leasedBy).to.be.undefined;
    });
  });
}
