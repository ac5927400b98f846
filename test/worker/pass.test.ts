import { expect } from 'chai';
import type { DrainOptions } from '../../src/worker/options.js';
import { drainPass } from '../../src/worker/pass.js';
import type { Handler } from '../../src/worker/handler.js';
import type { Queue } from '../../src/core/queue.js';
import { failureOf } from '../support/eventually.js';
import {
  collector,
  countsOf,
  fails,
  numbered,
  optionsFor,
  popAll,
  printing,
  push,
  TOPIC,
  useQueue,
} from './world.js';

describe('a pass of drain with a handler that prints', () => {
  const world = useQueue();
  const pass = (handler: Handler, more: Partial<DrainOptions> = {}, queue: Queue = world.queue) =>
    drainPass(queue, optionsFor(handler, more));

  it('a pass delivers all ready jobs in order', async () => {
    await push(world.queue, numbered(800));
    const { ids, handler } = collector();
    expect(await pass(handler)).to.include({
      done: 800,
      retried: 0,
      dead: 0,
      released: 0,
      lateAcks: 0,
      isClosed: false,
    });
    expect(ids).to.deep.equal(numbered(800));
    expect((await world.queue.stats()).topics).to.deep.equal([]);
  });

  it('a pass returns in how many ms the next job is due', async () => {
    await world.queue.push({ topic: TOPIC, body: 'b', delayMs: 60_000 });
    const { nextInMs } = await pass(collector().handler);
    expect(nextInMs).to.be.within(50_000, 60_000);
  });

  it('a pass over several topics delivers the jobs of the first topic first', async () => {
    const [first, second] = [Buffer.from('first'), Buffer.from('second')];
    await push(world.queue, ['s1', 's2'], second);
    await push(world.queue, ['f1', 'f2'], first);
    await push(world.queue, ['other']);
    const { ids, handler } = collector();
    expect(await pass(handler, { topics: [first, second] })).to.include({ done: 4 });
    expect(ids).to.deep.equal(['f1', 'f2', 's1', 's2']);
    expect(await popAll(world.queue)).to.deep.equal(['other']);
  });

  for (const room of [0, 1, 49, 50, 51, 250, 260, 499]) {
    it(`a handler that accepts no more after ${room} jobs gets ${room}, and the others are released in order`, async () => {
      await push(world.queue, numbered(500));
      const { ids, handler } = collector(room);
      expect(await pass(handler)).to.include({ done: room, isClosed: true });
      expect(ids).to.deep.equal(numbered(500).slice(0, room));
      expect(await popAll(world.queue)).to.deep.equal(numbered(500).slice(room));
    });
  }

  it('a release does not count as an attempt', async () => {
    await push(world.queue, ['a']);
    expect(await pass(printing(() => 0))).to.include({ released: 1, done: 0 });
    expect((await world.queue.pop(TOPIC))?.attempts).to.equal(1);
  });

  it('a pass delivers no more than max jobs, and leases no more', async () => {
    await push(world.queue, numbered(400));
    const ids: string[] = [];
    let leased = 0;
    const handler = printing(async (jobs) => {
      leased = Math.max(leased, (await countsOf(world.queue))?.leased ?? 0);
      ids.push(...jobs.map(({ id }) => id.toString()));
      return jobs.length;
    });
    expect(await pass(handler, { max: 260 })).to.include({ done: 260 });
    expect(ids).to.deep.equal(numbered(260));
    expect(leased).to.be.at.most(260);
    expect(await popAll(world.queue)).to.deep.equal(numbered(400).slice(260));
  });

  it('a pass that is aborted ends after the jobs in hand and releases the others in order', async () => {
    await push(world.queue, numbered(600));
    const ending = new AbortController();
    const ids: string[] = [];
    const handler = printing((jobs) => {
      ending.abort();
      return ids.push(...jobs.map(({ id }) => id.toString()));
    });
    await pass(handler, { signal: ending.signal });
    expect(ids).to.not.be.empty;
    expect([...ids, ...(await popAll(world.queue))]).to.deep.equal(numbered(600));
  });

  it('a pass that was aborted before it began reserves nothing', async () => {
    await push(world.queue, ['a']);
    const { ids, handler } = collector();
    await pass(handler, { signal: AbortSignal.abort() });
    expect(ids).to.be.empty;
    expect(await popAll(world.queue)).to.deep.equal(['a']);
  });

  it('no job is acknowledged before the handler is done with it', async () => {
    await push(world.queue, numbered(100));
    const leased: (number | undefined)[] = [];
    await pass(
      printing(async (jobs) => {
        leased.push((await countsOf(world.queue))?.leased);
        return jobs.length;
      }),
    );
    expect(leased).to.deep.equal([100, 100]);
  });

  it('a handler that throws ends the pass with its error, and all jobs are released', async () => {
    await push(world.queue, numbered(300));
    const failure = await failureOf(
      pass(
        printing(() => {
          throw new Error('the handler fell over');
        }),
      ),
    );
    expect(failure.message).to.equal('the handler fell over');
    expect(await popAll(world.queue)).to.deep.equal(numbered(300));
  });

  it('jobs that are done before the handler throws are acknowledged', async () => {
    await push(world.queue, numbered(120));
    let calls = 0;
    const handler = printing((jobs) => {
      calls += 1;
      if (calls === 2) throw new Error('the handler fell over');
      return jobs.length;
    });
    expect((await failureOf(pass(handler))).message).to.equal('the handler fell over');
    expect(await countsOf(world.queue)).to.include({ leased: 0, ready: 70 });
    expect(await popAll(world.queue)).to.deep.equal(numbered(120).slice(50));
  });

  it('at most 50 jobs are printed at a time, so that few are in doubt when the reader of a pipe goes away', async () => {
    await push(world.queue, numbered(300));
    const sizes: number[] = [];
    await pass(
      printing((jobs) => {
        sizes.push(jobs.length);
        return jobs.length;
      }),
    );
    expect(sizes).to.deep.equal([50, 50, 50, 50, 50, 50]);
  });

  it('a failed ack ends the pass with outcome_unknown and a message that counts the delivered jobs', async () => {
    await push(world.queue, numbered(3));
    const { ids, handler } = collector();
    const failure = await failureOf(pass(handler, {}, world.queueWith({ ack: fails() })));
    expect(failure).to.include({ code: 'outcome_unknown' });
    expect(failure.message).to.equal('the store is gone; 3 jobs delivered but not acknowledged');
    expect(ids).to.have.length(3);
  });

  it('after a failed ack no further reservation is delivered, and the other jobs are released', async () => {
    await push(world.queue, numbered(1000));
    const { ids, handler } = collector();
    const failure = await failureOf(pass(handler, {}, world.queueWith({ ack: fails() })));
    expect(ids.length).to.be.within(250, 499);
    expect(failure.message).to.contain(`; ${ids.length} jobs delivered`);
    expect(await popAll(world.queue)).to.deep.equal(numbered(1000).slice(ids.length));
  });

  it('after a failed reserve the pass delivers the jobs leased before, and then fails', async () => {
    await push(world.queue, numbered(600));
    let reserves = 0;
    const queue = world.queueWith({
      reserve: (params) => ((reserves += 1) === 3 ? fails()() : world.store.reserve(params)),
    });
    const { ids, handler } = collector();
    expect(await failureOf(pass(handler, {}, queue))).to.include({ code: 'store_unreachable' });
    expect(ids).to.deep.equal(numbered(500));
    expect(await popAll(world.queue)).to.deep.equal(numbered(600).slice(500));
  });

  it('a reservation is acknowledged as a whole, in order, and in the same tick as the next reserve', async () => {
    await push(world.queue, numbered(1000));
    const calls: string[] = [];
    const acked: (readonly string[])[] = [];
    // Like a store on a disk, this one answers the calls of one tick together, however busy the machine is.
    let tick: Promise<unknown>[] = [];
    const answerTogether = async <T>(call: Promise<T>): Promise<T> => {
      const together = tick;
      together.push(call);
      await Promise.resolve();
      tick = [];
      await Promise.all(together);
      return call;
    };
    const queue = world.queueWith({
      reserve: (params) => {
        calls.push('reserve');
        return answerTogether(world.store.reserve(params));
      },
      ack: (params) => {
        calls.push('ack');
        acked.push(params.leases);
        void Promise.resolve().then(() => calls.push('-'));
        return answerTogether(world.store.ack(params));
      },
    });
    await pass(collector().handler, {}, queue);
    // A pass begins with two reserves, and has nothing more to reserve at the end.
    expect(calls.join(' ')).to.equal(`reserve reserve ${'ack reserve - '.repeat(3)}ack -`);
    for (const leases of acked) {
      expect(leases.map((lease) => lease.split('.').slice(1, 3).join('/'))).to.deep.equal(
        numbered(250).map((n) => `${Number(n) + 1}/250`),
      );
    }
  });

  it('an ack does not wait for a slow reserve', async () => {
    await push(world.queue, numbered(300));
    let reserves = 0;
    let onAck: () => void = () => undefined;
    const acked = new Promise<void>((resolve) => (onAck = resolve));
    const queue = world.queueWith({
      reserve: async (params) => {
        reserves += 1;
        if (reserves === 2) await acked;
        return world.store.reserve(params);
      },
      ack: (params) => {
        onAck();
        return world.store.ack(params);
      },
    });
    expect(await pass(collector().handler, {}, queue)).to.include({ done: 300 });
  });

  it('jobs whose lease was lost before their ack are counted as late acks', async () => {
    await push(world.queue, numbered(3));
    const queue = world.queueWith({ ack: ({ leases }) => Promise.resolve(leases.map((_, i) => i !== 1)) });
    expect(await pass(collector().handler, {}, queue)).to.include({ done: 3, lateAcks: 1 });
  });
});
