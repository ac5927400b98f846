import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from '../../../src/core/queue.js';
import { RedisStore } from '../../../src/storage/redis/store.js';
import { parseRedisUrl } from '../../../src/storage/redis/url.js';
import { eventually } from '../../support/eventually.js';
import { drain, idsOf, jobsOf, maintainAll, reserve, textOf } from '../../support/jobs.js';
import { Proxy } from '../../support/proxy.js';
import { useRedis } from '../../support/redis.js';
import { OriginalClient } from '../../interop/original.js';

/** Longer than any wait here should take, and short enough for a broken one to end. */
const WAIT_MS = 8000;

/** How long (ms) a promise takes. */
async function timeOf(promise: Promise<unknown>): Promise<number> {
  const before = performance.now();
  await promise;
  return performance.now() - before;
}

/** Expects that one of up to 20 waits lasts less than `ms`: the machine may be busy during some of them. */
async function expectBelow(ms: number, once: () => Promise<number>): Promise<void> {
  let shortest = Infinity;
  for (let i = 0; i < 20 && shortest >= ms; i += 1) shortest = Math.min(shortest, await once());
  expect(shortest).to.be.below(ms);
}

describe('a wait for ready jobs in Redis', () => {
  const ground = useRedis();
  const key = (rest: string) => `${ground.prefix}:${rest}`;

  /** The connections that listen for changes of keys. */
  const listeners = async () => (await clients()).filter((client) => client.includes(' sub=1 '));
  const clients = async () =>
    String(await ground.raw.client('LIST'))
      .trim()
      .split('\n');

  /** Waits until a wait for these topics does not end early any more. */
  async function settle(queue: Queue, topics: string | string[]): Promise<void> {
    // The first wait subscribes, and subscribing ends all waits at that time.
    await queue.waitForReady(topics, { timeoutMs: 1 });
    await eventually(async () => (await listeners()).length > 0);
    await eventually(async () => (await timeOf(queue.waitForReady(topics, { timeoutMs: 40 }))) >= 38);
  }

  /** Settles, then returns how long (ms) a wait lasts during which `act` runs. */
  async function during(queue: Queue, topics: string | string[], act: () => Promise<unknown>) {
    await settle(queue, topics);
    const waiting = timeOf(queue.waitForReady(topics, { timeoutMs: WAIT_MS }));
    await act();
    return waiting;
  }

  it('takes no job and leaves their order', async () => {
    const [waiter, other] = [ground.queue(), ground.queue()];
    const pushed: { id: { toString(): string } }[] = [];
    await during(waiter, 'topic', async () => {
      pushed.push(...(await other.pushMany(jobsOf('topic', 3))));
      await maintainAll(other);
    });
    expect(idsOf(await drain(other, 'topic'))).to.deep.equal(pushed.map(({ id }) => id.toString()));
  });

  it('lasts until its timeout if nothing changes', async () => {
    const queue = ground.queue();
    await settle(queue, 'topic');
    expect(await timeOf(queue.waitForReady('topic', { timeoutMs: 120 }))).to.be.within(118, 1000);
  });

  it('for 300 topics, at once or one by one, needs one connection beside that of the queue', async () => {
    const queue = ground.queue();
    const topics = Array.from({ length: 300 }, (_, i) => `topic-${i}`);
    await settle(queue, topics);
    const waits = topics.map((topic) => queue.waitForReady(topic, { timeoutMs: 30 }));
    expect(await ground.server.strangers()).to.equal(2);
    await Promise.all(waits);
    expect(await queue.bpop(topics, { timeoutMs: 20 })).to.be.undefined;
    expect(await ground.server.strangers()).to.equal(2);
  });

  it('ends within 50 ms when a job of any of its topics is ready', async () => {
    const [waiter, other] = [ground.queue(), ground.queue()];
    await expectBelow(50, async () => {
      const time = await during(waiter, ['a', 'b', 'c'], async () => {
        await other.push({ topic: 'b', body: 'b' });
        await maintainAll(other);
      });
      await drain(other, 'b');
      return time;
    });
  });

  it('ends within 50 ms when an original client pushes to the ready list itself', async () => {
    const queue = ground.queue();
    await expectBelow(50, () =>
      during(queue, ['other', 'topic'], () => ground.raw.lpush(key('ready_queue:topic'), 'id')),
    );
  });

  it('ends for a topic of any bytes', async () => {
    const queue = ground.queue();
    for (const topic of [Buffer.from([0, 255, 10, 128]), Buffer.from('*[a'), Buffer.from('ü')]) {
      await eventually(async () => (await timeOf(queue.waitForReady(topic, { timeoutMs: 30 }))) >= 28);
      const waiting = timeOf(queue.waitForReady(topic, { timeoutMs: WAIT_MS }));
      await ground.raw.lpush(Buffer.concat([Buffer.from(key('ready_queue:')), topic]), 'id');
      expect(await waiting).to.be.below(WAIT_MS / 2);
    }
  });

  it('does not end at changes of other topics, prefixes or keys', async () => {
    const queue = ground.queue();
    const time = await during(queue, 'topic', async () => {
      await sleep(20);
      await ground.raw.lpush(key('ready_queue:other'), 'id');
      await ground.raw.lpush(key('ready_queue:topic-longer'), 'id');
      await ground.raw.lpush(`${ground.prefix}-2:ready_queue:topic`, 'id');
      await ground.raw.set(key('job_bucket:1'), 'x');
      await sleep(150);
      await ground.raw.lpush(key('ready_queue:topic'), 'id');
    });
    expect(time).to.be.within(165, WAIT_MS / 2);
  });

  it('is sent nothing when other topics change', async () => {
    const queue = ground.queue();
    await settle(queue, 'topic');
    const sentBytes = async () =>
      Number(/total_net_output_bytes:(\d+)/.exec(await ground.raw.info('stats'))?.[1]);
    const waiting = queue.waitForReady('topic', { timeoutMs: WAIT_MS });
    const before = await sentBytes();
    for (let i = 0; i < 300; i += 1) await ground.raw.lpush(key(`ready_queue:other-${i % 30}`), 'id');
    // A reply to LPUSH has 5 bytes, an invalidation message to the waiter more than 80.
    expect((await sentBytes()) - before).to.be.below(300 * 40);
    await ground.raw.lpush(key('ready_queue:topic'), 'id');
    await waiting;
  });

  it('ends at jobs that the same queue promotes while it waits for pushes', async () => {
    const queue = ground.queue();
    await queue.waitForPush({ timeoutMs: 50 });
    const waiting = queue.bpop('topic', { timeoutMs: WAIT_MS });
    const promoting = (async () => {
      while (!(await queue.maintain()).promoted) await queue.waitForPush({ timeoutMs: WAIT_MS });
    })();
    await queue.push({ topic: 'topic', body: 'b', delayMs: 50 });
    const popped = performance.now();
    expect(textOf(await waiting)).to.equal('b');
    expect(performance.now() - popped).to.be.below(WAIT_MS / 2);
    await queue.push({ topic: 'other', body: 'c' });
    await promoting;
  });

  it('lets waitForPush subscribe while it begins to listen itself', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const queue = ground.queue();
      const waiting = queue.waitForReady('topic', { timeoutMs: WAIT_MS });
      for (let i = 0; i < turns; i += 1) await new Promise(setImmediate);
      await eventually(async () => {
        await queue.waitForPush({ timeoutMs: 1 });
        expect(await ground.raw.call('PUBSUB', 'NUMSUB', key('wake'))).to.deep.equal([key('wake'), 1]);
      });
      await queue.close();
      await waiting;
    }
  });

  it('sees changes after the connection of the queue was killed', async () => {
    const queue = ground.queue();
    await settle(queue, 'topic');
    await during(queue, 'topic', () => ground.raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
    const push = () => ground.raw.lpush(key('ready_queue:topic'), 'id');
    expect(await during(queue, 'topic', push)).to.be.below(WAIT_MS / 2);
  });

  it('ends if its topic changed between two waits', async () => {
    const queue = ground.queue();
    await settle(queue, 'topic');
    await ground.raw.lpush(key('ready_queue:topic'), 'id');
    // The invalidation message comes after the reply to LPUSH, on another connection.
    await sleep(30);
    expect(await timeOf(queue.waitForReady('topic', { timeoutMs: WAIT_MS }))).to.be.below(WAIT_MS / 2);
  });

  for (const [who, push] of [
    ['delayer', async (other: Queue) => other.push({ topic: 'topic', body: 'b' })],
    [
      'an original client',
      async () => new OriginalClient(ground.raw, ground.prefix).push('id', 'topic', 'b', 0),
    ],
  ] as const) {
    it(`ends some 100 ms after a push of a due job by ${who}, though no daemon promotes it`, async () => {
      const [queue, other] = [ground.queue(), ground.queue()];
      await expectBelow(200, async () => {
        const time = await during(queue, 'topic', () => push(other));
        expect(textOf(await other.pop('topic'))).to.equal('b');
        return time;
      });
    });
  }

  it('does not end more often than every 100 ms at pushes of delayed jobs', async () => {
    const [queue, other] = [ground.queue(), ground.queue()];
    await settle(queue, 'topic');
    let [ends, pushing] = [0, true];
    const pushes = async () => {
      for (let i = 0; i < 100; i += 1) await other.push({ topic: 'other', body: 'b', delayMs: 60_000 });
      await sleep(300);
      pushing = false;
      await ground.raw.lpush(key('ready_queue:topic'), 'id');
    };
    const waits = async () => {
      const before = performance.now();
      while (pushing) {
        await queue.waitForReady('topic', { timeoutMs: WAIT_MS });
        ends += 1;
      }
      return performance.now() - before;
    };
    const [tookMs] = await Promise.all([waits(), pushes()]);
    expect(ends).to.be.at.most(tookMs / 100 + 2);
  });

  it('sends at most one command a second while it is idle', async () => {
    const [queue, busy] = [ground.queue(), ground.queue()];
    const abort = new AbortController();
    const waiting = queue.bpop(['a', 'b'], { signal: abort.signal });
    await eventually(async () => (await listeners()).length > 0);
    await sleep(200);
    await ground.raw.config('RESETSTAT');
    await sleep(3000);
    const stats = await ground.raw.info('commandstats');
    // Only commands that clients send, without those that scripts run.
    const sent = ['evalsha', 'eval', 'ping', 'time', 'subscribe', 'hello', 'blmove', 'client\\|tracking'];
    const calls = sent.map((name) =>
      Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0),
    );
    expect(calls.reduce((sum, count) => sum + count, 0)).to.be.at.most(3);
    await busy.push({ topic: 'b', body: 'b' });
    expect(textOf(await waiting)).to.equal('b');
    abort.abort();
  });

  it('ends when its connection is killed, and opens another one', async () => {
    const queue = ground.queue();
    const kill = () => ground.raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    expect(await during(queue, 'topic', kill)).to.be.below(WAIT_MS / 2);
    const push = () => ground.raw.lpush(key('ready_queue:topic'), 'id');
    expect(await during(queue, 'topic', push)).to.be.below(WAIT_MS / 2);
    expect(await listeners()).to.have.length(1);
    expect(await ground.server.strangers()).to.equal(2);
  });

  it('sees a push that came while its connection was broken', async () => {
    const proxy = await Proxy.to({ path: ground.server.socket });
    try {
      const [queue, other] = [ground.queue(proxy.url), ground.queue()];
      const waiting = queue.bpop('topic', { timeoutMs: WAIT_MS });
      await eventually(async () => (await listeners()).length > 0);
      await ground.raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      proxy.drop();
      await other.push({ topic: 'topic', body: 'b' });
      expect(textOf(await waiting)).to.equal('b');
    } finally {
      await proxy.close();
    }
  });

  it('ends when all keys are flushed, and sees later changes', async () => {
    const queue = ground.queue();
    expect(await during(queue, 'topic', () => ground.raw.flushall())).to.be.below(WAIT_MS / 2);
    const push = () => ground.raw.lpush(key('ready_queue:topic'), 'id');
    expect(await during(queue, 'topic', push)).to.be.below(WAIT_MS / 2);
  });

  it('under a prefix that is not ASCII ends at ready jobs, due jobs and a resume', async () => {
    const store = () => new RedisStore(parseRedisUrl(ground.server.url), `préfixe-${ground.prefix}`);
    const [queue, other] = [new Queue(store()), new Queue(store())];
    try {
      const ready = () => ground.raw.lpush(`préfixe-${ground.prefix}:ready_queue:topic`, 'id');
      expect(await during(queue, 'topic', ready)).to.be.below(WAIT_MS / 4);
      const push = () => other.push({ topic: 'topic', body: 'b' });
      expect(await during(queue, 'topic', push)).to.be.below(WAIT_MS / 4);
      await sleep(150);
      await other.pause('topic');
      expect(await during(queue, 'topic', () => other.resume('topic'))).to.be.below(WAIT_MS / 4);
    } finally {
      await Promise.all([queue.close(), other.close()]);
    }
  });

  it('ends when its topic is resumed', async () => {
    const [queue, other] = [ground.queue(), ground.queue()];
    await other.push({ topic: 'topic', body: 'b' });
    await other.pause('topic');
    const waiting = queue.bpop('topic', { timeoutMs: WAIT_MS });
    await eventually(async () => (await listeners()).length > 0);
    await sleep(150);
    const resumed = performance.now();
    await other.resume('topic');
    expect(textOf(await waiting)).to.equal('b');
    expect(performance.now() - resumed).to.be.below(WAIT_MS / 2);
  });

  it('ends when the queue is closed, and leaves no connection', async () => {
    const queue = ground.queue();
    expect(await during(queue, 'topic', () => queue.close())).to.be.below(WAIT_MS / 2);
    await eventually(async () => expect(await ground.server.strangers()).to.equal(0));
  });

  it('leaves no connection if the queue is closed while it begins to listen', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const queue = ground.queue();
      const waiting = queue.waitForReady('topic', { timeoutMs: WAIT_MS });
      for (let i = 0; i < turns; i += 1) await new Promise(setImmediate);
      await queue.close();
      expect(await timeOf(waiting)).to.be.below(WAIT_MS / 2);
    }
    await eventually(async () => expect(await ground.server.strangers()).to.equal(0));
  });

  it('ends when it is aborted, or was aborted before', async () => {
    const queue = ground.queue();
    await settle(queue, 'topic');
    const abort = new AbortController();
    const { signal } = abort;
    const waiting = timeOf(queue.waitForReady('topic', { timeoutMs: WAIT_MS, signal }));
    abort.abort();
    expect(await waiting).to.be.below(WAIT_MS / 2);
    const again = queue.waitForReady('topic', { timeoutMs: WAIT_MS, signal });
    expect(await timeOf(again)).to.be.below(WAIT_MS / 2);
  });

  it('ends if Redis cannot be reached, so that the caller can retry', async () => {
    const proxy = await Proxy.to({ path: ground.server.socket });
    try {
      proxy.refuse();
      const queue = ground.queue(proxy.url);
      expect(await timeOf(queue.waitForReady('topic', { timeoutMs: WAIT_MS }))).to.be.below(WAIT_MS / 2);
      proxy.pass();
      await settle(queue, 'topic');
    } finally {
      await proxy.close();
    }
  });

  for (const [what, rules] of [
    ['CLIENT TRACKING', ['-client']],
    ['SUBSCRIBE', ['-subscribe']],
    ['the channel of changed keys', ['resetchannels']],
  ] as const) {
    it(`of a user without the right to ${what} polls, and gets the job`, async () => {
      const user = ['on', 'nopass', '~*', '&*', '+@all', ...rules];
      await ground.raw.call('ACL', 'SETUSER', 'deaf', 'reset', ...user);
      const queue = ground.queue(ground.server.url.replace('://', '://deaf@'));
      const other = ground.queue();
      const waiting = queue.bpop('topic', { timeoutMs: WAIT_MS });
      await sleep(250);
      expect(await listeners()).to.be.empty;
      await other.push({ topic: 'topic', body: 'b' });
      const pushed = performance.now();
      expect(textOf(await waiting)).to.equal('b');
      expect(performance.now() - pushed).to.be.below(WAIT_MS / 2);
      // It polls every 100 ms.
      await ground.raw.config('RESETSTAT');
      expect(await queue.bpop('topic', { timeoutMs: 550 })).to.be.undefined;
      const stats = await ground.raw.info('commandstats');
      expect(Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1])).to.be.at.most(8);
      // It does not retry the commands that were refused.
      expect(stats).to.not.match(/rejected_calls=[1-9]/);
    });
  }

  it('ends when a job of its topic is released', async () => {
    const [queue, other] = [ground.queue(), ground.queue()];
    await other.push({ topic: 'topic', body: 'b' });
    const jobs = await reserve(other, 'topic');
    const waiting = queue.bpop('topic', { timeoutMs: WAIT_MS });
    await eventually(async () => (await listeners()).length > 0);
    await other.release(jobs);
    expect(textOf(await waiting)).to.equal('b');
  });
});

describe('a wait for a push in Redis', () => {
  const ground = useRedis();
  const listeners = async () => /pubsub_channels:2\b/.test(await ground.raw.info('stats'));

  /** Returns how long (ms) a wait lasts during which `act` runs. */
  async function during(act: () => Promise<unknown>, wait: Promise<void>): Promise<number> {
    const waiting = timeOf(wait);
    await act();
    return waiting;
  }
  const waitForPush = (queue: Queue) => queue.waitForPush({ timeoutMs: WAIT_MS });

  it('ends once when it begins to listen, because a push may have come before', async () => {
    expect(await timeOf(waitForPush(ground.queue()))).to.be.below(WAIT_MS / 2);
  });

  it('begins to listen as soon as Redis can be reached', async () => {
    const proxy = await Proxy.to({ path: ground.server.socket });
    try {
      const queue = ground.queue(proxy.url);
      proxy.refuse();
      await queue.waitForPush({ timeoutMs: 50 });
      proxy.pass();
      expect(await timeOf(waitForPush(queue))).to.be.below(WAIT_MS / 2);
      await eventually(listeners);
    } finally {
      await proxy.close();
    }
  });

  it('ends at a push of an earlier job, at a nack and at a requeue', async () => {
    const [queue, other] = [ground.queue(), ground.queue()];
    await waitForPush(queue);
    await eventually(listeners);
    const push = (delayMs: number) => other.push({ topic: 'topic', body: 'b', delayMs });
    expect(await during(() => push(60_000), waitForPush(queue))).to.be.below(WAIT_MS / 2);
    await push(0);
    await waitForPush(queue);
    const jobs = await reserve(other, 'topic');
    const nack = () => other.nack(jobs, { delayMs: 1000 });
    expect(await during(nack, waitForPush(queue))).to.be.below(WAIT_MS / 2);
    await push(0);
    await waitForPush(queue);
    const dead = await reserve(other, 'topic');
    await other.nack(dead, { dead: true });
    const requeue = () => other.requeue(dead.map(({ id }) => Buffer.from(id)));
    expect(await during(requeue, waitForPush(queue))).to.be.below(WAIT_MS / 2);
  });

  it('does not end at a push of a later job', async () => {
    const [queue, other] = [ground.queue(), ground.queue()];
    await other.push({ topic: 'topic', body: 'b', delayMs: 30_000 });
    await waitForPush(queue);
    await eventually(listeners);
    const time = await during(
      () => other.push({ topic: 'topic', body: 'b', delayMs: 60_000 }),
      queue.waitForPush({ timeoutMs: 100 }),
    );
    expect(time).to.be.at.least(98);
  });

  it('ends when a push of an original client is due, even if the pool has a job with an infinite score', async () => {
    const queue = ground.queue();
    await waitForPush(queue);
    await eventually(listeners);
    const original = new OriginalClient(ground.raw, ground.prefix);
    const pool = `${ground.prefix}:job_pool`;
    for (const score of ['+inf', '-inf']) {
      await ground.raw.zadd(pool, score, 'odd');
      await queue.waitForPush({ timeoutMs: 500 });
      expect(await during(() => original.push('now', 'topic', 'b', 0), waitForPush(queue))).to.be.below(
        WAIT_MS / 2,
      );
      await ground.raw.del(pool);
    }
  });

  it('ends when a push of an original client is due, and not at one that is due later', async () => {
    const queue = ground.queue();
    await waitForPush(queue);
    await eventually(listeners);
    const original = new OriginalClient(ground.raw, ground.prefix);
    const time = await during(
      () => original.push('later', 'topic', 'b', 60),
      queue.waitForPush({ timeoutMs: 100 }),
    );
    expect(time).to.be.at.least(98);
    expect(await during(() => original.push('now', 'topic', 'b', 0), waitForPush(queue))).to.be.below(
      WAIT_MS / 2,
    );
  });

  it('ends after pollMs for a user who may not use CLIENT TRACKING', async () => {
    await ground.raw.call('ACL', 'SETUSER', 'deaf', 'on', '>pass', '~*', '&*', '+@all', '-client|tracking');
    const queue = ground.queue(`redis+unix://deaf:pass@${ground.server.socket}`);
    await queue.waitForPush({ timeoutMs: WAIT_MS, pollMs: 20 });
    await eventually(listeners);
    await queue.waitForPush({ timeoutMs: WAIT_MS, pollMs: 20 });
    expect(await timeOf(queue.waitForPush({ timeoutMs: WAIT_MS, pollMs: 20 }))).to.be.below(WAIT_MS / 2);
    const other = ground.queue();
    expect(
      await during(
        () => other.push({ topic: 'topic', body: 'b', delayMs: 60_000 }),
        queue.waitForPush({ timeoutMs: WAIT_MS }),
      ),
    ).to.be.below(WAIT_MS / 2);
  });

  it('ends when its connection breaks, and listens again', async () => {
    const [queue, other] = [ground.queue(), ground.queue()];
    await waitForPush(queue);
    await eventually(listeners);
    const kill = () => ground.raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    expect(await during(kill, waitForPush(queue))).to.be.below(WAIT_MS / 2);
    await waitForPush(queue);
    await eventually(listeners);
    const push = () => other.push({ topic: 'topic', body: 'b', delayMs: 1000 });
    expect(await during(push, waitForPush(queue))).to.be.below(WAIT_MS / 2);
  });

  it('ends when the queue is closed, and leaves no connection', async () => {
    const queue = ground.queue();
    await waitForPush(queue);
    await eventually(listeners);
    expect(await during(() => queue.close(), waitForPush(queue))).to.be.below(WAIT_MS / 2);
    await eventually(async () => expect(await ground.server.strangers()).to.equal(0));
  });
});
