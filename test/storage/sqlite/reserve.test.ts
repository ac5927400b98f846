import { expect } from 'chai';
import fc from 'fast-check';
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
