import { expect } from 'chai';
import type { Queue } from '../../src/core/queue.js';
import type { ExtendParams } from '../../src/core/store.js';
import type { Handler } from '../../src/worker/handler.js';
import type { DrainOptions } from '../../src/worker/options.js';
import { drainPass } from '../../src/worker/pass.js';
import { eventually, failureOf } from '../support/eventually.js';
import { unhandledDuring } from '../support/unhandled.js';
import {
  collector,
  fails,
  idsOf,
  numbered,
  oneByOne,
  optionsFor,
  popAll,
  printing,
  push,
  useQueue,
  useStandstill,
} from './world.js';

/** Leases of this length (ms) are renewed every 200 ms. */
const LEASE_MS = 600;

describe('renewal of leases by a worker', () => {
  const world = useQueue();
  const standStill = useStandstill();
  const pass = (handler: Handler, queue: Queue, more: Partial<DrainOptions> = {}) =>
    drainPass(queue, optionsFor(handler, { leaseMs: LEASE_MS, ...more }));

  /** The numbers of jobs in their reservation, from 0, as their leases have them. */
  const numbersOf = ({ leases }: ExtendParams) => leases.map((lease) => Number(lease.split('.')[1]) - 1);

  it('a renewal covers the whole reservation, including jobs that are done and not acknowledged', async () => {
    await push(world.queue, numbered(120));
    const renewed: number[][] = [];
    const queue = world.queueWith({
      extend: (params) => {
        renewed.push(numbersOf(params));
        return world.store.extend(params);
      },
    });
    let calls = 0;
    const slow = printing(async (jobs) => {
      calls += 1;
      if (calls === 2) await eventually(() => renewed.length > 0);
      return jobs.length;
    });
    expect(await pass(slow, queue)).to.include({ done: 120, lateAcks: 0 });
    expect(renewed[0]).to.deep.equal(numbered(120).map(Number));
  });

  it('a job whose lease was lost is not delivered', async () => {
    await push(world.queue, numbered(120));
    let renewals = 0;
    const queue = world.queueWith({
      extend: async (params) => {
        const ends = await world.store.extend(params);
        renewals += 1;
        return ends.map((end, i) => (numbersOf(params)[i] === 110 ? undefined : end));
      },
    });
    const ids: string[] = [];
    const slow = printing(async (jobs) => {
      if (ids.length === 50) await eventually(() => renewals > 0);
      ids.push(...idsOf(jobs));
      return jobs.length;
    });
    expect(await pass(slow, queue)).to.include({ done: 119, lateAcks: 0 });
    expect(ids).to.deep.equal(numbered(120).filter((id) => id !== '110'));
  });

  it('a job whose lease was lost does not count towards --max', async () => {
    await push(world.queue, numbered(120));
    let renewals = 0;
    const queue = world.queueWith({
      extend: async (params) => {
        const ends = await world.store.extend(params);
        renewals += 1;
        return ends.map((end, i) => (numbersOf(params)[i] === 90 ? undefined : end));
      },
    });
    const ids: string[] = [];
    const slow = printing(async (jobs) => {
      if (ids.length === 0) await eventually(() => renewals > 0);
      ids.push(...idsOf(jobs));
      return jobs.length;
    });
    expect(await pass(slow, queue, { max: 100 })).to.include({ done: 100 });
    expect(ids).to.deep.equal(numbered(101).filter((id) => id !== '90'));
  });

  it('leases of jobs in hand or leased ahead are renewed for as long as a handler takes', async () => {
    await push(world.queue, numbered(300));
    let renewals = 0;
    const queue = world.queueWith({
      extend: (params) => {
        renewals += 1;
        return world.store.extend(params);
      },
    });
    const attempts: number[] = [];
    const slow = printing(async (jobs) => {
      // Without renewals the first leases would have ended by then.
      if (attempts.length === 0) await eventually(() => renewals >= 4);
      attempts.push(...jobs.map((job) => job.attempts));
      return jobs.length;
    });
    expect(await pass(slow, queue)).to.include({ done: 300, lateAcks: 0 });
    expect(attempts).to.deep.equal(attempts.map(() => 1));
  });

  it('leaseUntil of a delivered job is the end of the renewed lease', async () => {
    await push(world.queue, numbered(60));
    let end: Date | undefined;
    const queue = world.queueWith({
      extend: async (params) => {
        const ends = await world.store.extend(params);
        end = ends[0];
        return ends;
      },
    });
    const until: (Date | undefined)[] = [];
    await pass(
      printing(async (jobs) => {
        await eventually(() => end !== undefined);
        until.push(jobs[0]?.leaseUntil);
        return jobs.length;
      }),
      queue,
    );
    expect(Number(until[1])).to.be.greaterThan(Number(until[0]));
  });

  it('a renewal that fails is retried, and the job in hand is done', async () => {
    await push(world.queue, ['a']);
    let tries = 0;
    const queue = world.queueWith({
      extend: () => {
        tries += 1;
        return fails()();
      },
    });
    const handler = printing(async (jobs) => {
      await eventually(() => tries > 1);
      return jobs.length;
    });
    const unhandled = await unhandledDuring(async () => {
      expect(await pass(handler, queue)).to.include({ done: 1 });
    });
    expect(unhandled).to.be.empty;
  });

  it('after a standstill of the process, leases are renewed before their jobs are delivered, and lost ones are dropped', async () => {
    await push(world.queue, numbered(300));
    // The second reservation, of 50 jobs, belongs to another consumer by now.
    const queue = world.queueWith({
      extend: async (params) => {
        const ends = await world.store.extend(params);
        return ends.map((end, i) => (params.leases[i]?.includes('.50.') === true ? undefined : end));
      },
    });
    const { ids, handler } = collector();
    let calls = 0;
    const stands: Handler = {
      ...handler,
      handle: (jobs, context) => {
        if ((calls += 1) === 2) standStill(60_000);
        return handler.handle(jobs, context);
      },
    };
    expect(await pass(stands, queue, { leaseMs: 60_000 })).to.include({ done: 250 });
    expect(ids).to.deep.equal(numbered(250));
  });

  it('after a standstill of the process, no job is delivered when renewal fails', async () => {
    await push(world.queue, numbered(100));
    const queue = world.queueWith({ extend: fails() });
    const ids: string[] = [];
    const stands = printing((jobs) => {
      standStill(60_000);
      ids.push(...idsOf(jobs));
      return jobs.length;
    });
    const failure = await failureOf(pass(stands, queue, { leaseMs: 60_000 }));
    expect(failure).to.include({ code: 'store_unreachable' });
    expect(ids).to.deep.equal(numbered(50));
    expect(await popAll(world.queue)).to.deep.equal(numbered(100).slice(50));
  });

  it('a lease counts from the time of the request, so one whose answer comes late is renewed before delivery', async () => {
    await push(world.queue, ['a']);
    let renewals = 0;
    const queue = world.queueWith({
      reserve: async (params) => {
        const reserved = await world.store.reserve(params);
        if (reserved.jobs.length > 0) standStill(60_000);
        return reserved;
      },
      extend: (params) => {
        renewals += 1;
        return world.store.extend(params);
      },
    });
    const { ids, handler } = collector();
    await pass(handler, queue, { leaseMs: 60_000 });
    expect(ids).to.deep.equal(['a']);
    expect(renewals).to.equal(1);
  });

  it('a handler call is aborted when the leases of all its jobs are lost, and other calls are not', async () => {
    await push(world.queue, ['lost', 'kept']);
    const queue = world.queueWith({
      extend: async (params) => {
        const ends = await world.store.extend(params);
        return ends.map((end, i) => (params.leases[i]?.includes('.1.2.') === true ? undefined : end));
      },
    });
    const aborted: Record<string, boolean> = {};
    const handler = oneByOne(2, async (id, _job, signal) => {
      if (id === 'lost') await eventually(() => signal.aborted);
      else await eventually(() => 'lost' in aborted);
      aborted[id] = signal.aborted;
      return 'done';
    });
    await pass(handler, queue);
    expect(aborted).to.deep.equal({ lost: true, kept: false });
  });

  it('no timer is left after the end of a pass', async () => {
    await push(world.queue, ['a']);
    let renewals = 0;
    const queue = world.queueWith({
      extend: (params) => {
        renewals += 1;
        return world.store.extend(params);
      },
    });
    const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    const before = timers();
    await pass(collector().handler, queue);
    expect(timers()).to.be.at.most(before);
    expect(renewals).to.equal(0);
  });
});
