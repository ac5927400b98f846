import { expect } from 'chai';
import { DelayerError } from '../../src/core/errors.js';
import { HANDOVER_LEASE_MS } from '../../src/core/lease.js';
import type { LeasedJob } from '../../src/core/job.js';
import { Queue } from '../../src/core/queue.js';
import { drainPass, type Sink } from '../../src/worker/drain.js';
import { eventually, failureOf } from '../support/eventually.js';
import { unhandledDuring } from '../support/unhandled.js';
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

  it('confirms what a sink had taken before it failed', async () => {
    await push(world.queue, numbered(120));
    const { ids, sink } = collector();
    const fails: Sink = (jobs) =>
      ids.length === 50 ? Promise.reject(new Error('the sink fell over')) : sink(jobs);
    expect((await failureOf(pass(fails))).message).to.equal('the sink fell over');
    expect(ids).to.deep.equal(numbered(50));
    expect((await world.queue.survey()).topics[0]).to.include({ leased: 0, ready: 70 });
    expect(await takeAll(world.queue)).to.deep.equal(numbered(120).slice(50));
  });

  it('keeps alive all that it has in hand while its sink is slow, and hands over none that was lost', async () => {
    await push(world.queue, numbered(120));
    const renewed: string[][] = [];
    const { store } = world.queue;
    const slow = new Queue(
      changed(store, {
        extend: async (leases, leaseMs) => {
          const until = await store.extend(leases, leaseMs);
          const ids = (leases as readonly LeasedJob[]).map(({ id }) => id.toString());
          renewed.push(ids);
          return until.map((at, i) => (ids[i] === '110' ? undefined : at));
        },
      }),
    );
    const { ids, sink } = collector();
    const waits: Sink = async (jobs) => {
      if (ids.length === 50) await eventually(() => renewed.length > 0, { withinMs: 9000 });
      return sink(jobs);
    };
    expect(await pass(waits, {}, slow)).to.include({ drained: 119, overdue: 0 });
    expect(renewed[0]).to.deep.equal(numbered(120).slice(50));
    expect(ids).to.deep.equal(numbered(120).filter((id) => id !== '110'));
  });

  it('asks whether its leases are still its own after it stood still, of the next batch as well', async () => {
    await push(world.queue, numbered(300));
    const { store } = world.queue;
    // The second batch is another consumer's by now.
    const later = new Queue(
      changed(store, {
        extend: async (leases, leaseMs) => {
          const until = await store.extend(leases, leaseMs);
          const ids = (leases as readonly LeasedJob[]).map(({ id }) => Number(id));
          return until.map((at, i) => ((ids[i] ?? 0) >= 250 ? undefined : at));
        },
      }),
    );
    const own = performance.now.bind(performance);
    const { ids, sink } = collector();
    const stands: Sink = (jobs) => {
      performance.now = () => own() + HANDOVER_LEASE_MS;
      return sink(jobs);
    };
    try {
      expect(await pass(stands, {}, later)).to.include({ drained: 250 });
      expect(ids).to.deep.equal(numbered(250));
    } finally {
      performance.now = own;
    }
  });

  it('hands over 50 jobs at a time at most, so that little is lost with the reader of a pipe', async () => {
    await push(world.queue, numbered(300));
    const sizes: number[] = [];
    await pass((jobs) => {
      sizes.push(jobs.length);
      return Promise.resolve(jobs.length);
    });
    expect(sizes).to.deep.equal([50, 50, 50, 50, 50, 50]);
  });

  it('goes on although leases could not be made longer', async () => {
    await push(world.queue, ['a']);
    let tries = 0;
    const broken = new Queue(
      changed(world.queue.store, {
        extend: () => {
          tries += 1;
          return Promise.reject(new DelayerError('store_unreachable', 'the store is gone'));
        },
      }),
    );
    const waits: Sink = async (jobs) => {
      await eventually(() => tries > 0, { withinMs: 9000 });
      return jobs.length;
    };
    const unhandled = await unhandledDuring(async () => {
      expect(await pass(waits, {}, broken)).to.include({ drained: 1 });
    });
    expect(unhandled).to.be.empty;
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

  it('hands over no more than the batch in hand once a confirmation has failed, and tells of all that was', async () => {
    await push(world.queue, numbered(1000));
    const lost = () => Promise.reject(new DelayerError('store_unreachable', 'the store is gone'));
    const { ids, sink } = collector();
    const broken = new Queue(changed(world.queue.store, { confirm: lost }));
    const failure = await failureOf(pass(sink, {}, broken));
    expect(ids.length).to.be.within(250, 499);
    expect(failure.message).to.contain(`; ${ids.length} jobs were handed over`);
    expect(await takeAll(world.queue)).to.deep.equal(numbered(1000).slice(ids.length));
  });

  it('ends the leases of a batch in one transaction with the next lease, where a store has some', async () => {
    await push(world.queue, numbered(1000));
    const { store } = world.queue;
    const asked: string[] = [];
    const watched = changed(store, {
      take: (request) => {
        asked.push('take');
        return store.take(request);
      },
      confirm: (leases) => {
        asked.push('confirm');
        void Promise.resolve().then(() => asked.push('-'));
        return store.confirm(leases);
      },
    });
    await pass(collector().sink, {}, new Queue(watched));
    // Two to begin with, and in the end there is nothing more to lease.
    expect(asked.join(' ')).to.equal(`take take ${'confirm take - '.repeat(3)}confirm -`);
  });

  it('does not put a confirmation off while the next lease is waited for', async () => {
    await push(world.queue, numbered(300));
    const { store } = world.queue;
    let takes = 0;
    let confirmed: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (confirmed = resolve));
    const slow = changed(store, {
      take: async (request) => {
        takes += 1;
        if (takes === 2) await first;
        return store.take(request);
      },
      confirm: (leases) => {
        confirmed();
        return store.confirm(leases);
      },
    });
    expect(await pass(collector().sink, {}, new Queue(slow))).to.include({ drained: 300 });
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
