import { expect } from 'chai';
import { drain, idsOf } from '../../contract/world.js';
import { eventually } from '../../support/eventually.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';

const TOPIC = Buffer.from('topic');

describe('waiting for a ready job in Redis', () => {
  const ground = useRedis();
  const blocked = async () => /blocked_clients:1\b/.test(await ground.raw.info('clients'));

  it('takes nothing and leaves the order as it is', async () => {
    const [waiter, other] = [ground.queue(), ground.queue()];
    const waiting = waiter.store.waitForReady(TOPIC, 100);
    await eventually(blocked);
    const pushed = await other.pushMany(Array.from({ length: 3 }, () => ({ topic: 'topic', body: 'b' })));
    await other.store.promote();
    await waiting;
    await eventually(async () => !(await blocked()));
    expect(idsOf(await drain(other, 'topic'))).to.deep.equal(idsOf(pushed));
  });

  it('ends as soon as a job is ready', async () => {
    const [waiter, other] = [ground.queue(), ground.queue()];
    let shortest = Infinity;
    // The machine may be busy at some of them.
    for (let i = 0; i < 8; i += 1) {
      const waiting = waiter.store.waitForReady(TOPIC, 10_000);
      await eventually(blocked, { everyMs: 1 });
      const before = performance.now();
      await other.push({ topic: 'topic', body: 'b' });
      await other.store.promote();
      await waiting;
      shortest = Math.min(shortest, performance.now() - before);
      await drain(other, 'topic');
    }
    expect(shortest).to.be.below(50);
  });
});

describe('waiting for a push in Redis', () => {
  const ground = useRedis();
  const WAIT_MS = 8000;
  const listeners = async () => /pubsub_channels:1\b/.test(await ground.raw.info('stats'));
  /** How long (ms) a wait lasts while `work` goes on. */
  async function during(work: () => Promise<unknown>, wait: Promise<void>): Promise<number> {
    const before = performance.now();
    await work();
    await wait;
    return performance.now() - before;
  }

  it('ends once when it begins to listen, for a push may have come before', async () => {
    const store = ground.open();
    expect(await during(() => Promise.resolve(), store.waitForPush(WAIT_MS))).to.be.below(WAIT_MS / 2);
  });

  it('begins to listen as soon as Redis can be reached', async () => {
    const proxy = await Proxy.to({ path: ground.server.socket });
    try {
      const store = ground.open(proxy.url);
      proxy.refuse();
      await store.waitForPush(50);
      proxy.pass();
      expect(await during(() => Promise.resolve(), store.waitForPush(WAIT_MS))).to.be.below(WAIT_MS / 2);
    } finally {
      await proxy.close();
    }
  });

  it('ends when its connection breaks, for a push may be missed then, and listens anew', async () => {
    const [store, other] = [ground.open(), ground.queue()];
    await store.waitForPush(WAIT_MS);
    await eventually(listeners);
    const kill = () => ground.raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    expect(await during(kill, store.waitForPush(WAIT_MS))).to.be.below(WAIT_MS / 2);
    await store.waitForPush(WAIT_MS);
    await eventually(listeners);
    const push = () => other.push({ topic: 'topic', body: 'b', delayMs: 1000 });
    expect(await during(push, store.waitForPush(WAIT_MS))).to.be.below(WAIT_MS / 2);
  });
});
