import { expect } from 'chai';
import { useFolder } from './files.js';

describe('reserve on an SQLite file', () => {
  const folder = useFolder();

  it('an answer of several topics has a megabyte of bodies at most, of all of them', async () => {
    const queue = await folder.openQueue();
    const sizes = { first: [300_000, 300_000], second: [300_000, 300_000], third: [1] };
    for (const [topic, bodies] of Object.entries(sizes))
      await queue.pushMany(bodies.map((size) => ({ topic, body: Buffer.alloc(size, 1) })));
    const answer = async () => {
      const { jobs } = await queue.reserve({ topics: Object.keys(sizes), limit: 10, leaseMs: 60_000 });
      return jobs.map(({ topic, body }) => `${topic.toString()} ${body.length}`);
    };
    // The third topic would fit, but the second goes before it.
    expect(await answer()).to.deep.equal(['first 300000', 'first 300000', 'second 300000']);
    expect(await answer()).to.deep.equal(['second 300000', 'third 1']);
  });

  it('a reserve that brings jobs of another topic back says when the next lease ends after that', async () => {
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
