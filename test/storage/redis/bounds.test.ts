import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { idsOf, jobsOf, LONG_MS, maintainAll, only, reserve, SECOND_MS } from '../../support/jobs.js';
import { useRedis } from '../../support/redis.js';

/** A script reads at most 1 MiB of bodies, so not two of these. */
const LARGE = Buffer.alloc(700_000, 1);

describe('work of one script in Redis is bounded:', () => {
  const ground = useRedis({ movableClock: true });
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  const large = (queue: Queue, count: number, delayMs = 0) =>
    queue.pushMany(Array.from({ length: count }, () => ({ topic: 'topic', body: LARGE, delayMs })));

  /** Counts the scripts that `work` runs. */
  async function runs(work: () => Promise<unknown>): Promise<number> {
    await ground.raw.config('RESETSTAT');
    await work();
    const stats = await ground.raw.info('commandstats');
    const calls = (command: string) =>
      Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0);
    return calls('evalsha') + calls('eval');
  }

  /** Reserves `count` jobs one by one. */
  async function reserveEach(queue: Queue, count: number, leaseMs = LONG_MS) {
    const jobs = [];
    for (let i = 0; i < count; i += 1) jobs.push(...(await reserve(queue, 'topic', 1, leaseMs)));
    return jobs;
  }

  describe('an id that stands 150,000 times in a long ready list', () => {
    const DOUBLED = 150_000;
    const OTHERS = 270_000;
    const ready = () => key('ready_queue:topic');

    beforeEach(async () => {
      const add = async (id: string, count: number) => {
        for (let left = count; left > 0; left -= 10_000)
          await ground.raw.rpush(ready(), ...Array<string>(Math.min(left, 10_000)).fill(id));
      };
      await add('other', OTHERS / 2);
      await add('32', DOUBLED);
      await add('other', OTHERS / 2);
    });

    /** Counts the entries that were overwritten, each of which takes up to 50 µs. */
    const written = async () =>
      Number(/^cmdstat_lset:calls=(\d+)/m.exec(await ground.raw.info('commandstats'))?.[1] ?? 0);

    it('is taken out by a push in several short steps', async () => {
      await ground.raw.config('RESETSTAT');
      await ground.queue().push({ id: '32', topic: 'topic', body: 'b', delayMs: LONG_MS });
      expect(await ground.raw.lpos(ready(), '32')).to.be.null;
      expect(await ground.raw.llen(ready())).to.be.at.most(OTHERS + 1000);
      expect(await written()).to.be.below(1000);
    });

    it('is found as a doubled entry, and taken out by a replacing push', async () => {
      await ground.raw.hset(key('job_bucket:32'), { topic: 'topic', body: 'b' });
      const queue = ground.queue();
      expect(only(await queue.find('32')).flaw).to.deep.equal({ type: 'doubled_entry', entries: DOUBLED });
      await ground.raw.config('RESETSTAT');
      const job = { id: '32', topic: 'topic', body: 'new', delayMs: LONG_MS };
      expect((await queue.push(job, { onExisting: 'replace' })).outcome).to.equal('replaced');
      expect(await ground.raw.lpos(ready(), '32')).to.be.null;
      expect(await written()).to.be.below(1000);
      expect(only(await queue.find('32')).state).to.equal('delayed');
    });
  });

  it('a push sends at most 1 MiB of bodies per script, or one larger body', async () => {
    const queue = ground.queue();
    await large(queue, 1);
    expect(await runs(() => large(queue, 4))).to.equal(4);
  });

  it('a reserve returns at most 1 MiB of bodies, or one larger body', async () => {
    const queue = ground.queue();
    const pushed = await large(queue, 3);
    const got = [];
    for (let i = 0; i < 3; i += 1) got.push(only(await reserve(queue, 'topic', 10)));
    expect(idsOf(got)).to.deep.equal(idsOf(pushed));
    expect(await reserve(queue, 'topic', 10)).to.be.empty;
  });

  it('maintain brings back at most 1 MiB of jobs whose leases ended per step', async () => {
    const queue = ground.queue();
    const pushed = await large(queue, 5);
    await reserveEach(queue, 5, SECOND_MS);
    ground.clock.advance(2 * SECOND_MS);
    const steps = [await queue.maintain()];
    while (steps.at(-1)?.more === true) steps.push(await queue.maintain());
    expect(steps.map(({ reclaimed }) => reclaimed)).to.deep.equal([2, 2, 1]);
    const got = [];
    for (let job; (job = await queue.pop('topic'));) got.push(job);
    expect(idsOf(got)).to.deep.equal(idsOf(pushed));
  });

  it('maintain promotes 200 to 500 jobs of one topic per step, and fewer of many topics', async () => {
    const queue = ground.queue();
    const promoted = async (topicOf: (n: number) => string) => {
      await queue.pushMany(Array.from({ length: 600 }, (_, n) => ({ topic: topicOf(n), body: 'b' })));
      const steps = [await queue.maintain()];
      while (steps.at(-1)?.more === true) steps.push(await queue.maintain());
      return steps.map((step) => step.promoted);
    };
    const sum = (counts: number[]) => counts.reduce((all, jobs) => all + jobs);
    const ofOne = await promoted(() => 'topic');
    expect(ofOne[0]).to.equal(200);
    expect(Math.max(...ofOne)).to.be.at.most(500);
    expect(sum(ofOne)).to.equal(600);
    const ofMany = await promoted((n) => `topic-${n}`);
    expect(Math.max(...ofMany)).to.be.within(50, 126);
    expect(sum(ofMany)).to.equal(600);
    for (const topic of ['topic-0', 'topic-599']) expect(await queue.pop(topic)).not.to.be.undefined;
  });

  it('maintain brings back at most 84 jobs with ended leases per step, in order', async () => {
    const queue = ground.queue();
    const pushed = await queue.pushMany(Array.from({ length: 200 }, () => ({ topic: 'topic', body: 'b' })));
    await maintainAll(queue);
    await reserveEach(queue, pushed.length, SECOND_MS);
    ground.clock.advance(2 * SECOND_MS);
    const steps = [await queue.maintain()];
    while (steps.at(-1)?.more === true) steps.push(await queue.maintain());
    const back = steps.map(({ reclaimed }) => reclaimed);
    expect(Math.max(...back)).to.be.at.most(84);
    expect(back.reduce((sum, jobs) => sum + jobs)).to.equal(pushed.length);
    expect(idsOf(await reserve(queue, 'topic', pushed.length))).to.deep.equal(idsOf(pushed));
  });

  it('a list reads at most 1 MiB of bodies per script, and returns each job once', async () => {
    const queue = ground.queue();
    const dead = await large(queue, 4);
    // The jobs fail a second apart, so that their order is known.
    for (const job of await reserveEach(queue, 4)) {
      await queue.nack([job], { dead: true });
      ground.clock.advance(SECOND_MS);
    }
    const leased = await large(queue, 4);
    await reserveEach(queue, 4);
    const ready = await large(queue, 5);
    await maintainAll(queue);
    const delayed = await large(queue, 5, LONG_MS);
    const { jobs, cursor } = await queue.list('topic', { limit: 100 });
    expect(idsOf(jobs)).to.deep.equal(idsOf([...ready, ...leased, ...delayed, ...dead]));
    expect(cursor).to.be.undefined;
    for (const [state, least] of [
      ['ready', 3],
      ['leased', 2],
      ['delayed', 3],
      ['dead', 2],
    ] as const) {
      const listing = () => queue.list('topic', { limit: 100, states: [state] });
      expect(await runs(listing), state).to.be.at.least(least);
    }
  });

  it('exact stats count large leased jobs and large dead letters once', async () => {
    const queue = ground.queue();
    await large(queue, 4);
    for (const job of await reserveEach(queue, 4)) await queue.nack([job], { dead: true });
    await large(queue, 4);
    await reserveEach(queue, 4);
    expect(only((await queue.stats()).topics)).to.include({ leased: 4, dead: 4, ready: 0, delayed: 0 });
  });

  describe('a search for the leased job of an id', () => {
    let queue: Queue;
    let runsOfFew: number;
    const search = (ids: readonly string[]) => runs(() => queue.removeMany(ids, { states: 'any' }));
    const absent = (count: number) => Array.from({ length: count }, (_, i) => `absent ${i}`);

    beforeEach(async () => {
      queue = ground.queue();
      // Twice, because Redis does not have the scripts at first.
      await search(absent(1));
      runsOfFew = await search(absent(1));
    });

    it('looks at no more than 2000 reservations per script', async () => {
      await queue.pushMany(jobsOf('topic', 2100));
      await reserveEach(queue, 2100);
      expect(await search(absent(1))).to.equal(runsOfFew + 1);
    });

    it('unpacks a reservation only if it has one of the ids, so that one script passes 3000 other jobs', async () => {
      await queue.pushMany(jobsOf('topic', 3000));
      for (let i = 0; i < 30; i += 1) await reserve(queue, 'topic', 100);
      expect(await search(absent(1))).to.equal(runsOfFew);
      // Many ids are looked up instead, and a script ends after a thousand jobs.
      expect(await search(absent(20))).to.be.above(runsOfFew);
    });
  });

  it('a push takes an old entry out of a ready list in one script, and in several if the ids are long', async () => {
    const queue = ground.queue();
    const pushing = async (idBytes: number) => {
      const topic = `ids of ${idBytes} bytes`;
      const fill =
        "local ids = {} for i = 1, 200 do ids[i] = string.rep('x', ARGV[1]) end " +
        "for i = 1, 300 do redis.call('RPUSH', KEYS[1], unpack(ids)) end";
      await ground.raw.eval(fill, 1, key(`ready_queue:${topic}`), idBytes);
      await ground.raw.rpush(key(`ready_queue:${topic}`), '32');
      const count = await runs(() =>
        queue.push({ id: '32', topic, body: 'b', delayMs: LONG_MS }, { onExisting: 'replace' }),
      );
      expect(await ground.raw.lpos(key(`ready_queue:${topic}`), '32')).to.be.null;
      return count;
    };
    await queue.push({ topic: 'other', body: 'b' });
    expect(await pushing(10)).to.equal(1);
    expect(await pushing(1000)).to.be.above(1);
  });

  it('a remove takes entries out of long ready lists in several scripts', async () => {
    const queue = ground.queue();
    await queue.pushMany(['x', 'y'].map((topic) => ({ id: topic, topic, body: 'b' })));
    await maintainAll(queue);
    for (const topic of ['x', 'y']) {
      const fill =
        "local ids = {} for i = 1, 200 do ids[i] = 'none' end " +
        "for i = 1, 1000 do redis.call('LPUSH', KEYS[1], unpack(ids)) end";
      await ground.raw.eval(fill, 1, key(`ready_queue:${topic}`));
    }
    const removing = () => queue.removeMany(['x', 'y'], { states: 'any' });
    expect(await runs(removing)).to.be.above(1);
    for (const id of ['x', 'y']) expect(await ground.raw.lpos(key(`ready_queue:${id}`), id)).to.be.null;
  });
});
