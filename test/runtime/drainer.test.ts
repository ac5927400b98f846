import { expect } from 'chai';
import { DelayerError } from '../../src/core/errors.js';
import { Queue } from '../../src/core/queue.js';
import { drainPass, type Sink } from '../../src/runtime/drainer.js';
import { eventually, failureOf } from '../support/eventually.js';
import { changed, collector, never, numbered, push, takeAll, TOPIC, useQueue } from './world.js';

describe('a pass of drain', () => {
  const world = useQueue();
  const pass = (sink: Sink, more: { max?: number; signal?: AbortSignal } = {}, queue = world.queue) =>
    drainPass(queue, { topic: TOPIC, sink, signal: never(), ...more });

  it('hands every ready job over, in order, and leaves none', async () => {
    await push(world.queue, numbered(800));
    const { ids, sink } = collector();
    expect(await pass(sink)).to.include({ drained: 800, overdue: 0, closed: false });
    expect(ids).to.deep.equal(numbered(800));
    expect((await world.queue.survey()).topics).to.deep.equal([]);
  });

  it('says in how many ms the next job is due', async () => {
    await world.queue.push({ topic: TOPIC, body: 'b', delayMs: 60_000 });
    const { nextInMs } = await pass(collector().sink);
    expect(nextInMs).to.be.within(50_000, 60_000);
  });

  for (const room of [0, 1, 49, 50, 51, 250, 260, 499]) {
    it(`puts back in order what a sink that takes ${room} jobs did not take`, async () => {
      await push(world.queue, numbered(500));
      const { ids, sink } = collector(room);
      expect(await pass(sink)).to.include({ drained: room, closed: true });
      expect(ids).to.deep.equal(numbered(500).slice(0, room));
      expect(await takeAll(world.queue)).to.deep.equal(numbered(500).slice(room));
    });
  }

  it('counts no attempt for what was put back', async () => {
    await push(world.queue, ['a']);
    await pass(() => Promise.resolve(0));
    expect((await world.queue.pop(TOPIC))?.attempts).to.equal(1);
  });

  it('takes no more than max, and leases no more either', async () => {
    await push(world.queue, numbered(400));
    const { ids, sink } = collector();
    let leased = 0;
    const watching: Sink = async (jobs) => {
      leased = Math.max(leased, (await world.queue.survey()).topics[0]?.leased ?? 0);
      return sink(jobs);
    };
    expect(await pass(watching, { max: 260 })).to.include({ drained: 260 });
    expect(ids).to.deep.equal(numbered(260));
    expect(leased).to.be.at.most(260);
    expect(await takeAll(world.queue)).to.deep.equal(numbered(400).slice(260));
  });

  it('ends after the jobs in hand when it is aborted, and puts the rest back in order', async () => {
    await push(world.queue, numbered(600));
    const ending = new AbortController();
    const { ids, sink } = collector();
    const ends: Sink = (jobs) => {
      ending.abort();
      return sink(jobs);
    };
    await pass(ends, { signal: ending.signal });
    expect(ids).to.not.be.empty;
    expect([...ids, ...(await takeAll(world.queue))]).to.deep.equal(numbered(600));
  });

  it('takes nothing when it was aborted before', async () => {
    await push(world.queue, ['a']);
    const { ids, sink } = collector();
    await pass(sink, { signal: AbortSignal.abort() });
    expect(ids).to.be.empty;
    expect(await takeAll(world.queue)).to.deep.equal(['a']);
  });

  it('confirms no job before the sink has it', async () => {
    await push(world.queue, numbered(100));
    const seen: number[] = [];
    await pass(async (jobs) => {
      seen.push((await world.queue.survey()).topics[0]?.leased ?? 0);
      return jobs.length;
    });
    expect(seen).to.deep.equal([100, 100]);
  });

  it('puts everything back that a sink that fails had not taken', async () => {
    await push(world.queue, numbered(300));
    const failure = await failureOf(pass(() => Promise.reject(new Error('the sink fell over'))));
    expect(failure.message).to.equal('the sink fell over');
    expect(await takeAll(world.queue)).to.deep.equal(numbered(300));
  });

  it('says that nobody knows when jobs were handed over and could not be confirmed', async () => {
    await push(world.queue, numbered(3));
    const lost = () => Promise.reject(new DelayerError('store_unreachable', 'the store is gone'));
    const { ids, sink } = collector();
    const broken = new Queue(changed(world.queue.store, { confirm: lost }));
    const failure = await failureOf(pass(sink, {}, broken));
    expect(failure).to.include({ code: 'outcome_unknown' });
    expect(failure.message).to.match(/^the store is gone; 3 jobs were handed over/);
    expect(ids).to.have.length(3);
  });

  it('keeps what it has leased ahead, however slow the sink: nothing comes back meanwhile', async function () {
    this.timeout(30_000);
    await push(world.queue, numbered(300));
    let renewed = 0;
    const store = changed(world.queue.store, {
      extend: (leases, leaseMs) => {
        renewed += 1;
        return world.queue.store.extend(leases, leaseMs);
      },
    });
    const attempts: number[] = [];
    let first = true;
    const slow: Sink = async (jobs) => {
      // Until both batches were renewed; they would be over soon after that.
      if (first) await eventually(() => renewed >= 2, { withinMs: 20_000, everyMs: 50 });
      first = false;
      attempts.push(...jobs.map((job) => job.attempts));
      return jobs.length;
    };
    expect(await pass(slow, {}, new Queue(store))).to.include({ drained: 300, overdue: 0 });
    expect(attempts).to.deep.equal(attempts.map(() => 1));
    expect(renewed).to.be.at.least(2);
  });

  it('counts jobs whose leases were over when they were confirmed', async () => {
    await push(world.queue, numbered(3));
    const tooLate = (leases: readonly unknown[]) => Promise.resolve(leases.map((_, i) => i !== 1));
    const late = new Queue(changed(world.queue.store, { confirm: tooLate }));
    expect(await pass(collector().sink, {}, late)).to.include({ drained: 3, overdue: 1 });
  });
});
