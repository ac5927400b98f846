import { expect } from 'chai';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from '../../../src/core/queue.js';
import type { RedisStore } from '../../../src/storage/redis/store.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { idsOf, reserve, textOf } from '../../support/jobs.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';

/** Below the 15 s after which a Redis that does not answer is given up. */
const SOON_MS = 12_000;
/** Longer than it takes to ask a silent Redis on a second connection, and to wait for its reply there. */
const SILENT_MS = 4000;
/** A connection that was idle for this time is checked with PING before a push. */
const IDLE_MS = 5000;

const LOOP = `local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
  local begun = now() while now() - begun < tonumber(ARGV[1]) do end return 1`;

describe('a connection to Redis that goes silent', function () {
  this.timeout(40_000);
  const ground = useRedis();
  let proxy: Proxy;
  let store: RedisStore;
  /** Connected through the proxy. */
  let queue: Queue;
  /** Connected directly. */
  let witness: Queue;
  const job = { id: '1', topic: 'topic', body: 'b' };

  beforeEach(async () => {
    proxy = await Proxy.to({ path: ground.server.socket });
    store = ground.open(proxy.url);
    queue = new Queue(store);
    witness = ground.queue();
    await queue.push({ ...job, id: 'warm' });
    await queue.ack(await reserve(queue, 'topic'));
  });
  afterEach(async () => {
    ground.server.thaw();
    await proxy.close();
  });

  async function soon<T>(call: Promise<T>): Promise<T> {
    const before = performance.now();
    try {
      return await call;
    } finally {
      expect(performance.now() - before).to.be.below(SOON_MS);
    }
  }

  describe('while Redis answers on others', () => {
    it('is given up within 12 s, and what may be sent again is sent on another one', async () => {
      await witness.push(job);
      proxy.strand();
      const jobs = await soon(reserve(queue, 'topic'));
      expect(idsOf(jobs)).to.deep.equal(['1']);
      proxy.strand();
      expect(await soon(queue.ack(jobs))).to.deep.equal([true]);
      proxy.strand();
      expect(await soon(queue.find('1'))).to.be.empty;
      expect(store.reconnects).to.equal(3);
    });

    it('leaves the outcome of a push unknown within 12 s, and the job is not pushed later', async () => {
      proxy.strand();
      expect(await soon(failureOf(queue.push(job)))).to.include({ code: 'outcome_unknown', exitCode: 75 });
      expect(await witness.find('1')).to.be.empty;
    });

    it('is noticed before a push if it was idle for 5 s, and the job is pushed on another one', async () => {
      await pause(IDLE_MS + 100);
      proxy.strand();
      expect(await soon(queue.push(job))).to.include({ outcome: 'pushed' });
      expect(await witness.find('1')).to.have.length(1);
    });

    it('does not keep a bpop from taking a job, once', async () => {
      const popping = queue.bpop('topic', { timeoutMs: 30_000 });
      await eventually(async () => (await ground.raw.call('CLIENT', 'LIST', 'TYPE', 'pubsub')) !== '');
      proxy.strand();
      await witness.push(job);
      // A bpop checks every five seconds by itself, and notices the silent connection then.
      expect(textOf(await soon(popping))).to.equal('b');
      expect((await witness.stats()).totals).to.include({ ready: 0, leased: 0 });
    });
  });

  describe('while new connections are refused', () => {
    it('makes calls fail within 12 s, as store_unreachable or outcome_unknown', async () => {
      proxy.strand();
      proxy.refuse();
      const calls = [queue.find('1'), queue.pop('topic'), queue.push(job)].map((call) =>
        soon(failureOf(call)),
      );
      const [found, popped, pushed] = await Promise.all(calls);
      expect(found).to.include({ code: 'store_unreachable', exitCode: 69 });
      expect(popped).to.include({ code: 'store_unreachable', exitCode: 69 });
      expect(pushed).to.include({ code: 'outcome_unknown', exitCode: 75 });
    });
  });

  describe('because Redis', () => {
    async function expectWaited(hush: () => Promise<unknown>): Promise<void> {
      const silence = await hush();
      const pushing = queue.push(job);
      const finding = queue.find('none');
      expect((await pushing).outcome).to.equal('pushed');
      await finding;
      await silence;
      expect(store.reconnects, 'connections made anew').to.equal(0);
      expect(idsOf(await witness.popMany('topic', 10))).to.deep.equal(['1']);
    }

    it('was stopped is kept, and each request is done once when Redis goes on', async () => {
      await expectWaited(() => {
        ground.server.freeze();
        setTimeout(() => ground.server.thaw(), SILENT_MS);
        return Promise.resolve();
      });
    });

    for (const kind of ['ALL', 'WRITE'])
      it(`was paused (${kind}) is kept, and each request is done once when Redis goes on`, async () => {
        await expectWaited(() => ground.raw.call('CLIENT', 'PAUSE', SILENT_MS, kind));
      });

    it('is paused for longer than 15 s makes a call fail then, which is not sent again', async () => {
      await ground.raw.call('CLIENT', 'PAUSE', 40_000, 'WRITE');
      const since = performance.now();
      expect(await failureOf(queue.pop('topic'))).to.include({ code: 'store_unreachable', exitCode: 69 });
      // A second request would be waited for as long as the first.
      expect(performance.now() - since).to.be.below(29_000);
      await ground.raw.call('CLIENT', 'UNPAUSE');
    });

    it('runs a slow script is kept, and each request is done once when the script ends', async () => {
      const other = ground.server.client();
      await expectWaited(async () => {
        await other.ping();
        const looping = other.eval(LOOP, 0, SILENT_MS);
        await new Promise(setImmediate);
        return [looping];
      });
    });

    it('cannot be reached for 4 s is kept, and each request is done once when the network is back', async () => {
      await expectWaited(() => {
        proxy.hold();
        setTimeout(() => proxy.pass(), SILENT_MS);
        return Promise.resolve();
      });
    });
  });

  it('leaves no connection if its queue is closed while Redis is asked on another one', async () => {
    const before = await ground.server.strangers();
    ground.server.freeze();
    const finding = failureOf(queue.find('none'));
    await pause(2000);
    await queue.close();
    expect(await finding).to.include({ code: 'store_unreachable' });
    ground.server.thaw();
    await eventually(async () => expect(await ground.server.strangers()).to.equal(before - 1));
  });
});

describe('a connection to Redis that broke', () => {
  const ground = useRedis();

  it('fails its requests within 4 s if new connections are silent as well', async () => {
    const proxy = await Proxy.to({ path: ground.server.socket });
    try {
      const queue = ground.queue(proxy.url);
      await queue.find('none');
      proxy.hold();
      const finding = failureOf(queue.find('none'));
      const before = performance.now();
      proxy.drop();
      expect(await finding).to.include({ code: 'store_unreachable', exitCode: 69 });
      expect(performance.now() - before).to.be.below(4000);
    } finally {
      await proxy.close();
    }
  });
});
