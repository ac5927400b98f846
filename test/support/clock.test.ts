import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Queue } from '../../src/core/queue.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import { MovableClock, ProcessClock } from './clock.js';
import { eventually } from './eventually.js';
import { RedisServer } from './redis-server.js';
import { useRedis } from './redis.js';

const HOUR_MS = 3_600_000;
const TIME_IN_A_SCRIPT = "return redis.call('TIME')";

const msOf = ([seconds, micros]: unknown[]) => Number(seconds) * 1000 + Number(micros) / 1000;

describe('the movable clock of a redis-server', () => {
  const ground = useRedis({ movableClock: true });

  const time = async () => msOf(await ground.raw.time());
  const timeInScript = async () => msOf((await ground.raw.eval(TIME_IN_A_SCRIPT, 0)) as unknown[]);

  it('shows the time of the machine until it is moved', async () => {
    const before = Date.now();
    expect(await time()).to.be.within(before, Date.now() + 1);
  });

  for (const [where, ask] of [
    ['TIME', time],
    ['TIME in a script', timeInScript],
  ] as const) {
    for (const ms of [1, HOUR_MS, 36_525 * 24 * HOUR_MS, -1, -HOUR_MS]) {
      it(`moves ${where} by exactly ${ms} ms, while stopped and while running`, async () => {
        const { clock } = ground;
        clock.stop();
        const stood = await ask();
        expect(stood).to.equal(clock.now());
        clock.advance(ms);
        expect(await ask()).to.equal(stood + ms);
        clock.reset();
        clock.advance(ms);
        const before = Date.now();
        expect(await ask()).to.be.within(before + ms, Date.now() + ms + 1);
      });
    }
  }

  it('shows the time to which it is set, and runs on from there', async () => {
    const { clock } = ground;
    const at = new Date('2038-01-19T03:14:08Z');
    clock.stop();
    clock.set(at);
    expect(await time()).to.equal(at.getTime());
    const before = performance.now();
    clock.run();
    await sleep(20);
    expect(await time()).to.be.within(at.getTime() + 18, at.getTime() + performance.now() - before + 2);
  });

  it('applies to the next command, each of many times', async () => {
    const { clock, raw } = ground;
    clock.stop();
    for (let i = 0; i < 500; i += 1) {
      const at = clock.now() + (i % 3 === 0 ? -1000 : 1000);
      clock.set(at);
      expect(await (i % 2 === 0 ? time() : timeInScript())).to.equal(at);
      await raw.set('key', 'value', 'PX', 1000);
      clock.advance(1001);
      expect(await raw.get('key')).to.be.null;
    }
  });

  it('lets a key expire to the millisecond: the key exists in that one, and not in the next', async () => {
    const { clock, raw } = ground;
    const seen = async () => [
      await raw.pttl('key'),
      await raw.exists('key'),
      await raw.eval("return redis.call('EXISTS', 'key')", 0),
    ];
    clock.stop();
    await raw.set('key', 'value');
    await raw.pexpire('key', HOUR_MS);
    clock.advance(HOUR_MS - 1);
    expect(await seen()).to.deep.equal([1, 1, 1]);
    clock.advance(1);
    expect(await seen()).to.deep.equal([0, 1, 1]);
    clock.advance(1);
    expect(await seen()).to.deep.equal([-2, 0, 0]);
  });

  it('makes a key live longer when it is moved back', async () => {
    const { clock, raw } = ground;
    clock.stop();
    await raw.set('key', 'value', 'PX', 1000);
    clock.advance(-HOUR_MS);
    expect(await raw.pttl('key')).to.equal(HOUR_MS + 1000);
  });

  for (const how of ['runs', 'stands'] as const) {
    it(`lets Redis delete expired keys that no client reads, while it ${how}`, async () => {
      const { clock, raw } = ground;
      await raw.flushall();
      if (how === 'stands') clock.stop();
      for (let i = 0; i < 100; i += 1) await raw.set(`key-${i}`, 'value', 'PX', HOUR_MS);
      expect(await raw.dbsize()).to.equal(100);
      clock.advance(HOUR_MS + 1000);
      await eventually(async () => (await raw.dbsize()) === 0);
    });
  }

  it('lets a blocked command time out, also after it was moved', async () => {
    const { clock, raw } = ground;
    for (const ms of [HOUR_MS, -2 * HOUR_MS]) {
      clock.advance(ms);
      const before = performance.now();
      expect(await raw.blpop('nothing', 0.1)).to.be.null;
      expect(performance.now() - before).to.be.within(95, 10_000);
    }
  });

  it('holds a blocked command while it is stopped, and ends it by an advance', async () => {
    const { clock, raw } = ground;
    clock.stop();
    let ended = false;
    const blocked = raw.blpop('nothing', 0.05).finally(() => (ended = true));
    await sleep(250); // Redis looks at its timeouts ten times a second.
    expect(ended).to.be.false;
    clock.advance(51);
    expect(await blocked).to.be.null;
  });

  it('is kept when the server is restarted', async () => {
    const server = await RedisServer.start({ movableClock: true });
    try {
      server.clock.stop();
      server.clock.advance(HOUR_MS);
      await server.restart();
      expect(msOf(await server.client().time())).to.equal(server.clock.now());
    } finally {
      await server.stop();
    }
  });
});

describe('a movable clock', () => {
  const ground = useRedis({ movableClock: true });
  let dir = '';

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'delayer-sqlite-'));
  });
  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const openSqlite = async () => {
    const clock = new MovableClock();
    const store = await SqliteStore.open(join(dir, 'queue.db'), { now: () => clock.now() });
    return { clock, store };
  };
  const openRedis = () => Promise.resolve({ clock: ground.clock, store: ground.open() });

  for (const [name, open] of Object.entries({ Redis: openRedis, SQLite: openSqlite })) {
    it(`makes a job on ${name} due that was pushed with a delay of an hour`, async () => {
      const { clock, store } = await open();
      try {
        const queue = new Queue(store);
        clock.stop();
        expect((await store.now()).getTime()).to.equal(clock.now());
        const { dueAt } = await queue.push({ topic: 'topic', body: 'b', delayMs: HOUR_MS });
        expect(dueAt?.getTime()).to.equal(clock.now() + HOUR_MS);
        clock.advance(HOUR_MS - 1);
        expect(await queue.pop('topic')).to.be.undefined;
        clock.advance(1);
        expect(await queue.pop('topic')).to.deep.include({ body: Buffer.from('b'), dueAt });
      } finally {
        await store.close();
      }
    });
  }

  it('moves the Date of a Node process, and not its timers', async () => {
    const clock = new ProcessClock(join(dir, 'clock'));
    clock.stop();
    clock.advance(HOUR_MS);
    const look = 'setTimeout(() => process.stdout.write(String(Date.now())), 10)';
    const env = { ...process.env, ...clock.env };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', look], { env });
    expect(Number(stdout)).to.equal(clock.now());
  });

  it('moves by whole milliseconds only', () => {
    const clock = new MovableClock();
    expect(() => clock.advance(0.5)).to.throw(RangeError);
    expect(() => clock.set(new Date(NaN))).to.throw(RangeError);
  });
});
