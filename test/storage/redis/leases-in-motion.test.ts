import { expect } from 'chai';
import type { LeasedJob } from '../../../src/core/job.js';
import type { Queue } from '../../../src/core/queue.js';
import { SCRIPTS } from '../../../src/storage/redis/scripts.generated.js';
import {
  LONG_MS,
  maintainAll,
  MINUTE_MS,
  must,
  only,
  reserve,
  statesOf,
  textOf,
} from '../../support/jobs.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';

// Records that are too large for one step: a run of a script searches some 2 MB of them, ten records at once.
const LEASES = 15;
const LARGE = Buffer.alloc(300 * 1024, 'b');

describe('a search of the leases in Redis while they change', () => {
  const ground = useRedis();
  const JOB = { id: 'X', topic: 'topic', body: 'b' };
  let proxy: Proxy;

  beforeEach(async () => {
    proxy = await Proxy.to({ port: ground.server.port, host: '127.0.0.1' });
  });
  afterEach(() => proxy.close());

  /** Leases jobs of their own reservations, whose leases end before all others. */
  async function leaseLarge(queue: Queue): Promise<LeasedJob[]> {
    const jobs: LeasedJob[] = [];
    for (let i = 0; i < LEASES; i += 1) {
      await queue.push({ topic: 'large', body: LARGE });
      jobs.push(only(await reserve(queue, 'large', 1, LONG_MS)));
    }
    return jobs;
  }

  const leaseX = async (queue: Queue): Promise<LeasedJob> => {
    await queue.push(JOB);
    return only(await reserve(queue, JOB.topic, 1, 2 * LONG_MS));
  };

  /** Before the n-th run of a script is sent through the proxy. */
  function beforeRun(script: keyof typeof SCRIPTS, nth: number, act: () => Promise<unknown>): Promise<void> {
    let runs = 0;
    return proxy.before(
      (request) => {
        if (request.includes(SCRIPTS[script].sha)) runs += 1;
        return runs === nth;
      },
      async () => {
        await act();
      },
    );
  }

  const CALLS = {
    find: async (queue: Queue) => expect(statesOf(await queue.find('X'))).to.deep.equal(['leased']),
    remove: async (queue: Queue) =>
      expect(await queue.removeMany(['X'], { states: 'any' })).to.deep.equal([
        { removed: true, state: 'leased' },
      ]),
    'push with keep': async (queue: Queue) =>
      expect(
        (await queue.pushMany([JOB, { ...JOB, id: 'Y' }], { onExisting: 'keep' })).map(
          ({ outcome }) => outcome,
        ),
      ).to.deep.equal(['kept', 'pushed']),
  } satisfies Record<string, (queue: Queue) => Promise<unknown>>;

  for (const [name, call] of Object.entries(CALLS))
    it(`a ${name} finds a leased job although leases that were looked at are acked meanwhile`, async () => {
      const queue = ground.queue();
      const large = await leaseLarge(queue);
      await leaseX(queue);
      const acked = beforeRun('findLeased', 2, () => queue.ack(large.slice(0, 8)));
      await call(ground.queue(proxy.url));
      await acked;
    });

  it('a find shows a lease once that is extended meanwhile, as it is then', async () => {
    const queue = ground.queue();
    await queue.pushMany([JOB, { ...JOB, id: 'Y' }]);
    const [x] = await reserve(queue, JOB.topic, 2, MINUTE_MS);
    await leaseLarge(queue);
    let until: Date | undefined;
    const extended = beforeRun('findLeased', 2, async () => {
      until = only(await queue.extend([must(x)], 2 * LONG_MS));
    });
    const found = await ground.queue(proxy.url).find('X');
    await extended;
    expect(only(found).leaseUntil).to.deep.equal(must(until));
  });

  it('a find shows a job that begins to wait for another one of its id meanwhile', async () => {
    const queue = ground.queue();
    await leaseLarge(queue);
    const x = await leaseX(queue);
    await queue.push({ ...JOB, body: 'newer', delayMs: LONG_MS });
    const failed = beforeRun('findLeased', 2, () => queue.nack([x], { delayMs: 0 }));
    const found = await ground.queue(proxy.url).find('X');
    await failed;
    expect(found.map(({ state, isWaiting }) => [state, isWaiting])).to.deep.equal([
      ['delayed', undefined],
      ['delayed', true],
    ]);
  });

  describe('a push with keep that searches the leases in several steps', () => {
    const push = async (ids: readonly string[]) => {
      const jobs = ids.map((id) => ({ ...JOB, id }));
      const results = await ground.queue(proxy.url).pushMany(jobs, { onExisting: 'keep' });
      return results.map(({ outcome }) => outcome);
    };

    it('keeps the id of a leased job where it pushes nothing else', async () => {
      const queue = ground.queue();
      await leaseLarge(queue);
      await leaseX(queue);
      expect(await push(['X'])).to.deep.equal(['kept']);
      expect(statesOf(await queue.find('X'))).to.deep.equal(['leased']);
    });

    it('keeps the id of a job that was ready when it began, and is leased behind the back of the search', async () => {
      const queue = ground.queue();
      await leaseLarge(queue);
      await queue.push(JOB);
      // The lease ends before those that have been looked at by then.
      const leased = beforeRun('findLeased', 2, () => reserve(queue, JOB.topic, 1, MINUTE_MS));
      expect(await push(['X', 'Y'])).to.deep.equal(['kept', 'pushed']);
      await leased;
      expect(statesOf(await queue.find('X'))).to.deep.equal(['leased']);
    });

    it('pushes an id whose body was left by a client that died while it took the job', async () => {
      const queue = ground.queue();
      await leaseLarge(queue);
      await queue.push({ ...JOB, body: 'other' });
      await maintainAll(queue);
      await ground.raw.rpop(`${ground.prefix}:ready_queue:${JOB.topic}`);
      expect(await push(['X'])).to.deep.equal(['pushed']);
      expect(textOf(await queue.pop(JOB.topic))).to.equal('b');
    });
  });

  describe('a job that comes back after the queue was looked at, and before the leases are', () => {
    const BACK = {
      released: { end: (queue: Queue, x: LeasedJob) => queue.release([x]), state: 'ready' },
      'to be retried': {
        end: (queue: Queue, x: LeasedJob) => queue.nack([x], { delayMs: MINUTE_MS }),
        state: 'delayed',
      },
      dead: { end: (queue: Queue, x: LeasedJob) => queue.nack([x], { dead: true }), state: 'dead' },
    } as const;

    for (const [what, { end, state }] of Object.entries(BACK)) {
      it(`is found by a find if it is ${what} by then`, async () => {
        const queue = ground.queue();
        const x = await leaseX(queue);
        const ended = beforeRun('findLeased', 1, () => end(queue, x));
        expect(statesOf(await ground.queue(proxy.url).find('X'))).to.deep.equal([state]);
        await ended;
      });

      it(`is removed by a remove of any state if it is ${what} by then`, async () => {
        const queue = ground.queue();
        const x = await leaseX(queue);
        const ended = beforeRun('findLeased', 1, () => end(queue, x));
        const results = await ground.queue(proxy.url).removeMany(['X'], { states: 'any' });
        await ended;
        expect(results).to.deep.equal([{ removed: true, state }]);
        expect(await queue.find('X')).to.be.empty;
      });
    }

    it('is removed although its id has a dead letter that is kept', async () => {
      const queue = ground.queue();
      await queue.nack([await leaseX(queue)], { dead: true });
      const x = await leaseX(queue);
      const released = beforeRun('findLeased', 1, () => queue.release([x]));
      const states = ['delayed', 'due', 'ready', 'leased'] as const;
      const result = only(await ground.queue(proxy.url).removeMany(['X'], { states }));
      await released;
      expect(result).to.deep.equal({ removed: true, state: 'ready' });
      expect(statesOf(await queue.find('X'))).to.deep.equal(['dead']);
    });
  });

  it('a remove of any state removes a job whose lease is extended before its record is looked at', async () => {
    const queue = ground.queue();
    await queue.pushMany([JOB, { ...JOB, id: 'Y' }]);
    const leased = await reserve(queue, JOB.topic, 2);
    const extended = beforeRun('revoke', 1, () => queue.extend(leased.slice(0, 1), 2 * LONG_MS));
    const results = await ground.queue(proxy.url).removeMany(['X', 'Y'], { states: 'any' });
    await extended;
    expect(results.map(({ removed }) => removed)).to.deep.equal([true, true]);
    expect(await queue.ack(leased)).to.deep.equal([false, false]);
  });

  it('a remove revokes large leased jobs in several scripts', async () => {
    const queue = ground.queue();
    const ids = (await leaseLarge(queue)).map(({ id }) => id.toString());
    let runs = 0;
    const seen = proxy.before(
      (request) => {
        if (request.includes(SCRIPTS.revoke.sha)) runs += 1;
        return runs === 3;
      },
      () => Promise.resolve(),
    );
    const results = await ground.queue(proxy.url).removeMany(ids, { states: 'any' });
    await seen;
    expect(results.every(({ removed }) => removed)).to.be.true;
    expect(await ground.raw.exists(`${ground.prefix}:reserved`)).to.equal(0);
  });
});
