import { expect } from 'chai';
import fc from 'fast-check';
import { jobsOf, must } from '../../support/jobs.js';
import { useFolder } from './files.js';

describe('reserve on an SQLite file', () => {
  const folder = useFolder();

  it('a reserve of several topics returns at most 1 MiB of bodies in all', async () => {
    const queue = await folder.openQueue();
    const sizes = { first: [300_000, 300_000], second: [300_000, 300_000], third: [1] };
    for (const [topic, bodies] of Object.entries(sizes))
      await queue.pushMany(bodies.map((size) => ({ topic, body: Buffer.alloc(size, 1) })));
    const answer = async () => {
      const { jobs } = await queue.reserve({ topics: Object.keys(sizes), limit: 10, leaseMs: 60_000 });
      return jobs.map(({ topic, body }) => `${topic.toString()} ${body.length}`);
    };
    // The job of the third topic would fit, but the second topic comes first.
    expect(await answer()).to.deep.equal(['first 300000', 'first 300000', 'second 300000']);
    expect(await answer()).to.deep.equal(['second 300000', 'third 1']);
  });

  it('a reserve that reclaims jobs of another topic returns when the next lease ends', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.pushMany([1, 2].map(() => ({ topic: 'other', body: 'b' })));
    await queue.reserve({ topics: 'other', limit: 1, leaseMs: 1000 });
    await queue.reserve({ topics: 'other', limit: 1, leaseMs: 5000 });
    now += 1000;
    const { jobs, nextInMs } = await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 1000 });
    expect(jobs).to.be.empty;
    expect(nextInMs).to.equal(4000);
  });

  it('leases of other topics that have ended do not delay the end of a pop, bpop and reserve at their timeout or abort', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.pushMany(jobsOf('other', 3000));
    while ((await queue.reserve({ topics: 'other', limit: 250, leaseMs: 1000 })).jobs.length > 0);
    now += 1000;
    const leased = async () => must((await queue.stats()).totals.leased);
    const stop = new AbortController();
    const calls = [
      () => queue.pop('topic', { timeoutMs: 0 }),
      () => queue.bpop('topic', { timeoutMs: 0 }),
      async () => (await queue.reserve({ topics: 'topic', limit: 1, leaseMs: 1000, timeoutMs: 0 })).jobs[0],
      () => {
        const popped = queue.bpop('topic', { signal: stop.signal });
        stop.abort();
        return popped;
      },
    ];
    for (const call of calls) {
      const before = await leased();
      expect(await call()).to.be.undefined;
      expect(await leased()).to.be.within(1, before - 1);
    }
    await queue.push({ id: '1', topic: 'topic', body: 'b' });
    expect(must(await queue.pop('topic', { timeoutMs: 0 })).id.toString()).to.equal('1');
    expect(await leased()).to.be.above(0);
  });
});

describe('pop of one job from an SQLite file', () => {
  const folder = useFolder();

  it('returns id, body and times of any job unchanged', async () => {
    const now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    const comma = fc.constant(0x2c);
    const bytes = fc.array(fc.oneof(comma, fc.nat(255)), { minLength: 1, maxLength: 40 });
    const ttl = fc.integer({ min: 1, max: 2 ** 40 });
    await fc.assert(
      fc.asyncProperty(bytes, bytes, ttl, async (idBytes, bodyBytes, ttlMs) => {
        const [id, body] = [Buffer.from(idBytes), Buffer.from(bodyBytes)];
        await queue.push({ topic: 'topic', id, body, ttlMs });
        const job = await queue.pop('topic');
        const [dueAt, expiresAt] = [new Date(now), new Date(now + ttlMs)];
        const topic = Buffer.from('topic');
        expect(job).to.deep.equal({ id, topic, body, state: 'ready', dueAt, expiresAt, attempts: 1 });
      }),
    );
  });
});
