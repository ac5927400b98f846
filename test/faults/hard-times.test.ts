import { expect } from 'chai';
import { DELIVERY_LEASE_MS } from '../../src/core/lease.js';
import { expectQuiet, idsIn, linesOf, useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';
import { batchOf, expectAllAccountedFor, numbered, pushAll } from './accounting.js';

const TOPIC = 'topic';

describe('a Redis in trouble:', () => {
  const redis = useRedis({ movableClock: true });
  const cli = useCli(() => ({ DELAYER_STORE: redis.server.url, DELAYER_PREFIX: redis.prefix }));

  describe('a Redis that hangs', () => {
    it('drain --loop ends with its window', async () => {
      const running = cli.start(['drain', TOPIC, '--loop', '--step', '200ms', '--for', '1s']);
      await eventually(async () => (await redis.server.strangers()) > 0);
      redis.server.freeze();
      try {
        expect((await running.ended).code).to.equal(69);
      } finally {
        redis.server.thaw();
      }
    });

    for (const command of [['bpop', TOPIC], ['drain', TOPIC, '--follow'], ['serve']]) {
      it(`${command.join(' ')} ends on SIGTERM`, async () => {
        const running = cli.start(command);
        await eventually(async () => (await redis.server.strangers()) > 0);
        redis.server.freeze();
        try {
          const ended = command[0] === 'serve' ? { code: 0 } : { signal: 'SIGTERM' };
          expect(await running.end()).to.include(ended);
        } finally {
          redis.server.thaw();
        }
      });
    }
  });

  describe('a Redis that is out of memory', () => {
    const fill = () => redis.raw.config('SET', 'maxmemory', '1');
    afterEach(() => redis.raw.config('SET', 'maxmemory', '0'));

    it('makes push fail with exit code 69, and the reason on stderr', async () => {
      await fill();
      const stdin = batchOf(TOPIC, numbered(600));
      for (const outcome of [
        await cli.run(['push', TOPIC, 'b']),
        await cli.run(['push', TOPIC, 'b', '--id', 'a', '--replace']),
        await cli.run(['push', '--batch'], { stdin }),
      ]) {
        expect(outcome.code).to.equal(69);
        expect(outcome.stdout).to.be.empty;
        expect(outcome.stderr).to.match(/out of memory/);
      }
      expect(await redis.raw.keys(`${redis.prefix}:*`)).to.deep.equal([]);
    });

    it('does not keep pop and drain from emptying the queue, and remove from removing a delayed job', async () => {
      const queue = await cli.queue();
      const ids = numbered(1500);
      await pushAll(queue, TOPIC, ids);
      await queue.push({ id: 'delayed', topic: TOPIC, body: 'b', delayMs: 3_600_000 });
      await fill();
      const popped = expectQuiet(await cli.run(['pop', TOPIC, '--count', '3', '--output', 'id']));
      const drained = expectQuiet(await cli.run(['drain', TOPIC, '--output', 'id']));
      expect([...linesOf(popped), ...linesOf(drained)]).to.deep.equal(ids);
      expect(linesOf(expectQuiet(await cli.run(['remove', 'delayed'])))).to.deep.equal(['delayed']);
      expect(await redis.raw.keys(`${redis.prefix}:*`)).to.deep.equal([]);
    });

    it('makes a pop that cannot print name the jobs that may not be back in the queue', async () => {
      await (await cli.queue()).push({ id: 'a', topic: TOPIC, body: 'x'.repeat(1_000_000) });
      const pop = cli.start(['pop', TOPIC, '--output', 'body']);
      pop.child.stdout?.pause();
      await eventually(() => (pop.child.stdout?.readableLength ?? 0) > 0);
      await fill();
      pop.child.stdout?.destroy();
      const { code, stderr } = await pop.ended;
      expect(code).to.equal(141);
      expect(stderr).to.match(
        /^delayer: not printed, and perhaps not back in the queue: "a": .*out of memory\n$/,
      );
    });

    const promoted = () => redis.raw.llen(`${redis.prefix}:ready_queue:${TOPIC}`);

    it('does not keep a daemon from promoting due jobs', async () => {
      await pushAll(await cli.queue(), TOPIC, numbered(500));
      await fill();
      const daemon = cli.start(['serve']);
      await daemon.says(/promoting/);
      await eventually(async () => (await promoted()) === 500 || daemon.stderr.includes('out of memory'));
      expect(daemon.stderr).to.not.include('out of memory');
      expect((await daemon.end()).code).to.equal(0);
    });

    it('can be inspected', async () => {
      await pushAll(await cli.queue(), TOPIC, ['a']);
      await fill();
      for (const args of [['inspect'], ['inspect', TOPIC], ['inspect', '--id', 'a']]) {
        expectQuiet(await cli.run(args));
      }
    });
  });

  it('push, inspect, pop and drain work after SCRIPT FLUSH', async () => {
    const queue = await cli.queue();
    const forget = () => redis.raw.script('FLUSH');
    await forget();
    expectQuiet(await cli.run(['push', TOPIC, 'b', '--id', 'a']));
    await forget();
    expect(linesOf(expectQuiet(await cli.run(['inspect', TOPIC])))).to.not.be.empty;
    await forget();
    expect(idsIn(linesOf(expectQuiet(await cli.run(['pop', TOPIC]))))).to.deep.equal(['a']);
    const ids = numbered(5000);
    const batch = cli.start(['push', '--batch'], { stdin: batchOf(TOPIC, ids) });
    await batch.printed(200);
    await forget();
    expect(linesOf(await batch.ended)).to.deep.equal(ids);
    const drain = cli.start(['drain', TOPIC, '--output', 'id']);
    await drain.printed(200);
    await forget();
    const delivered = linesOf(expectQuiet(await drain.ended));
    expect(delivered).to.deep.equal(ids);
    await expectAllAccountedFor(queue, TOPIC, { pushed: ids, delivered });
  });

  it('a drain warns if a lease ended while its job was printed', async () => {
    const queue = await cli.queue();
    await queue.push({ id: 'a', topic: TOPIC, body: 'x'.repeat(1_000_000) });
    const slow = cli.start(['drain', TOPIC, '--max', '1', '--output', 'body']);
    slow.child.stdout?.pause();
    await eventually(() => (slow.child.stdout?.readableLength ?? 0) > 0);
    redis.clock.advance(DELIVERY_LEASE_MS);
    expect((await queue.popMany(TOPIC, 5)).map(({ id }) => id.toString())).to.deep.equal(['a']);
    slow.child.stdout?.resume();
    const { code, stderr } = await slow.ended;
    expect(code).to.equal(0);
    expect(stderr).to.match(/^delayer: 1 job printed after the lease had ended; [^\n]*\n$/);
  });

  it('push and pop wait for a Redis that pauses its clients', async () => {
    for (const [args, stdout] of [
      [['push', TOPIC, 'b', '--id', 'a'], 'a\n'],
      [['pop', TOPIC, '--output', 'id'], 'a\n'],
    ] as const) {
      await redis.raw.call('CLIENT', 'PAUSE', '800');
      expect(expectQuiet(await cli.run(args)).stdout.toString()).to.equal(stdout);
    }
  });

  it('pop and drain name a ready list of the wrong type, and serve other topics', async () => {
    const queue = await cli.queue();
    await redis.raw.set(`${redis.prefix}:ready_queue:broken`, 'no list');
    await queue.push({ id: 'stuck', topic: 'broken', body: 'b' });
    await pushAll(queue, TOPIC, numbered(10));
    for (const command of ['pop', 'drain']) {
      const outcome = await cli.run([command, 'broken']);
      expect(outcome.code).to.equal(69);
      expect(outcome.stderr).to.match(/^delayer: [^\n]*ready_queue:broken[^\n]*string[^\n]*\n$/);
    }
    expect(linesOf(expectQuiet(await cli.run(['drain', TOPIC])))).to.have.length(10);
    await redis.raw.del(`${redis.prefix}:ready_queue:broken`);
    expect(idsIn(linesOf(expectQuiet(await cli.run(['drain', 'broken']))))).to.deep.equal(['stuck']);
  });
});
