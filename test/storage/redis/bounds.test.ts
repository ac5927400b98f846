import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { idsOf, LONG_MS, must, promoteAll, textOf, untilPast } from '../../contract/world.js';
import { useRedis } from '../../support/redis.js';

/** Two of them are more than one run of a script reads. */
const LARGE = Buffer.alloc(700_000, 1);

describe('a run of a script in Redis is bounded:', () => {
  const ground = useRedis();
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const large = (queue: Queue, count: number, delayMs = 0) =>
    queue.pushMany(Array.from({ length: count }, () => ({ topic: 'topic', body: LARGE, delayMs })));

  /** How many scripts `work` runs. */
  async function runs(work: () => Promise<unknown>): Promise<number> {
    await ground.raw.config('RESETSTAT');
    await work();
    const stats = await ground.raw.info('commandstats');
    const calls = (command: string) =>
      Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
    return calls('evalsha') + calls('eval');
  }

  it('a push takes in a megabyte of bodies at most, or one that is larger', async () => {
    const queue = ground.queue();
    await large(queue, 1);
    expect(await runs(() => large(queue, 4))).to.equal(4);
  });

  it('leases that end together come back a megabyte at a time', async () => {
    const queue = ground.queue();
    const pushed = await large(queue, 5);
    const jobs = [];
    for (let i = 0; i < 5; i += 1) jobs.push(...(await queue.lease('topic', 1, LONG_MS)).jobs);
    const until = await queue.store.extend(jobs, 1);
    await untilPast(queue.store, Math.max(...until.map((at) => must(at).getTime())));
    const steps = [await queue.store.promote()];
    while (steps.at(-1)?.more === true) steps.push(await queue.store.promote());
    expect(steps.map(({ returned }) => returned)).to.deep.equal([2, 2, 1]);
    const got = [];
    for (let job; (job = await queue.pop('topic'));) got.push(job);
    expect(idsOf(got).sort()).to.deep.equal(idsOf(pushed).sort());
  });

  it('a list reads a megabyte of bodies at a time, and gives each job once', async () => {
    const queue = ground.queue();
    const leased = await large(queue, 4);
    for (let i = 0; i < 4; i += 1) await queue.lease('topic', 1, LONG_MS);
    const ready = await large(queue, 5);
    await promoteAll(queue.store);
    const delayed = await large(queue, 5, LONG_MS);
    const { jobs, cursor } = await queue.list('topic', { limit: 100 });
    expect(idsOf(jobs)).to.deep.equal(idsOf([...ready, ...leased, ...delayed]));
    expect(cursor).to.be.undefined;
    // One run more tells that there is nothing behind the leases.
    for (const [state, least] of [
      ['ready', 3],
      ['leased', 3],
      ['delayed', 3],
    ] as const) {
      const listing = () => queue.list('topic', { limit: 100, states: [state] });
      expect(await runs(listing), state).to.be.at.least(least);
    }
  });

  it('the entry of a removed job is looked for among 300,000 of ready lists, and passed over beyond', async () => {
    const queue = ground.queue();
    await queue.pushMany(['x', 'y'].map((topic) => ({ id: topic, topic, body: 'b' })));
    await promoteAll(queue.store);
    for (const topic of ['x', 'y']) {
      const fill =
        "local ids = {} for i = 1, 200 do ids[i] = 'none' end " +
        "for i = 1, 1000 do redis.call('LPUSH', KEYS[1], unpack(ids)) end";
      await ground.raw.eval(fill, 1, key(`ready_queue:${topic}`));
    }
    await queue.removeMany(['x', 'y'], 'any');
    const lengths = await Promise.all(
      ['x', 'y'].map((topic) => ground.raw.llen(key(`ready_queue:${topic}`))),
    );
    expect(lengths).to.deep.equal([200_000, 200_001]);
    await ground.raw.ltrim(key('ready_queue:y'), '-2', '-1');
    await queue.push({ id: 'z', topic: 'y', body: 'next' });
    expect(textOf(await queue.pop('y'))).to.equal('next');
  });
});
