import { expect } from 'chai';
import { ids, useFolder } from './files.js';

describe('leases in an SQLite store', () => {
  const folder = useFolder();

  it('go with the namesakes that are not leased when jobs in any state are removed', async () => {
    const queue = await folder.openQueue();
    await queue.push({ id: 'id', topic: 'topic', body: 'first' });
    const { jobs } = await queue.lease('topic', 1, 60_000);
    await queue.push({ id: 'id', topic: 'topic', body: 'second', delayMs: 60_000 });
    const results = await queue.removeMany(['id', 'id'], 'any');
    expect(results.map(({ removed }) => removed)).to.deep.equal([true, false]);
    expect(await queue.find('id')).to.be.empty;
    expect(await queue.confirm(jobs)).to.deep.equal([false]);
  });

  it('of one request end later together, those that have ended not', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    await queue.pushMany(ids(5).map((id) => ({ id, topic: 'topic', body: 'b' })));
    const { jobs } = await queue.lease('topic', 5, 1000);
    await queue.confirm(jobs.slice(1, 2));
    await queue.putBack(jobs.slice(3, 4));
    await queue.store.extend(jobs.slice(0, 1), 10_000);
    now += 5000;
    expect((await queue.popMany('topic', 9)).map(({ id }) => id.toString())).to.deep.equal(['3']);
    const page = await queue.store.list(Buffer.from('topic'), { limit: 2 });
    const rest = await queue.store.list(Buffer.from('topic'), { limit: 2, cursor: page.cursor });
    expect([...page.jobs, ...rest.jobs].map(({ id }) => id.toString())).to.deep.equal(['0', '2', '4']);
    expect(await queue.confirm(jobs)).to.deep.equal([true, false, true, false, true]);
  });

  it('let several namesakes of one request wait and come back, each once', async () => {
    let now = Date.UTC(2026, 0, 1);
    const queue = await folder.openQueue('queue.db', { now: () => now });
    const push = (body: string) => queue.pushMany(ids(3).map((id) => ({ id, topic: 'topic', body })));
    await push('first');
    await queue.lease('topic', 3, 1000);
    await push('second');
    for (let i = 0; i < 3; i += 1) {
      now += 1000;
      expect((await queue.store.promote()).returned).to.equal(0);
    }
    const second = await queue.popMany('topic', 9);
    now += 1000;
    const first = await queue.popMany('topic', 9);
    expect(second.map(({ body }) => body.toString())).to.deep.equal(['second', 'second', 'second']);
    expect(first.map(({ body }) => body.toString())).to.deep.equal(['first', 'first', 'first']);
    expect((await queue.survey()).topics).to.be.empty;
  });
});
