import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from '../../src/core/queue.js';
import { RedisStore } from '../../src/storage/redis/store.js';
import { parseRedisUrl } from '../../src/storage/redis/url.js';
import { openDatabase, type Statement } from '../../src/storage/sqlite/driver.js';
import { SqliteStore } from '../../src/storage/sqlite/store.js';
import type { Redis } from 'ioredis';
import { MovableClock, type TestClock } from '../support/clock.js';
import { Proxy } from '../support/proxy.js';
import { RedisServer } from '../support/redis-server.js';
import { Doomed, type Task } from './doomed.js';
import type { StoreName } from './operations.js';

/** When each key expires: the digest of Redis says that it does, and not when. */
const EXPIRIES = `
local expiries = {}
for i, key in ipairs(redis.call('KEYS', '*')) do expiries[i] = key .. ' ' .. redis.call('PEXPIRETIME', key) end
table.sort(expiries)
return redis.sha1hex(table.concat(expiries, ','))`;

/** A store on which one history after the other runs, each on an empty one. */
export interface Ground {
  readonly name: StoreName;
  readonly clock: TestClock;
  /** One of two processes on the store. */
  process(number: number): Queue;
  /** Looks, and does nothing else. */
  readonly viewer: Queue;
  readonly redis?: RedisParts;
  /** Different whenever something else is stored. */
  fingerprint(): Promise<string>;
  /** Begins anew. */
  empty(): Promise<void>;
  reopen?(process: number): Promise<void>;
  /** A process that ends at a statement of what it is given; answers whether it was answered before. */
  doom?(task: Pick<Task, 'method' | 'args' | 'killAt' | 'after'>): Promise<boolean>;
  close(): Promise<void>;
}

export interface RedisParts {
  readonly raw: Redis;
  readonly proxy: Proxy;
  /** A new process. */
  open(): Queue;
  /** A process whose connection can be cut. */
  readonly behindProxy: Queue;
}

/** An even second, so that whole seconds are in reach. */
const BEGIN = Date.UTC(2030, 0, 1);
export const PREFIX = 'delayer';

export async function openGround(name: StoreName): Promise<Ground> {
  return name === 'redis' ? openRedisGround() : openSqliteGround();
}

async function openRedisGround(): Promise<Ground> {
  const server = await RedisServer.start({ movableClock: true, args: ['--enable-debug-command', 'local'] });
  const proxy = await Proxy.to({ path: server.socket });
  const open = (url: string) => new Queue(new RedisStore(parseRedisUrl(url), PREFIX));
  const raw = server.client();
  // Else doctor waits for a second to see whether the original daemon of a history polls.
  await raw.client('SETNAME', 'histories');
  const processes = [open(server.url), open(server.url)];
  const viewer = open(server.url);
  const behindProxy = open(proxy.url);
  const { clock } = server;
  clock.stop();
  return {
    name: 'redis',
    clock,
    process: (number) => processes[number] ?? viewer,
    viewer,
    fingerprint: async () =>
      `${String(await raw.call('DEBUG', 'DIGEST'))} ${String(await raw.eval(EXPIRIES, 0))}`,
    redis: { raw, proxy, behindProxy, open: () => open(server.url) },
    empty: async () => {
      await raw.flushdb();
      clock.set(BEGIN);
    },
    close: async () => {
      await Promise.all([...processes, viewer, behindProxy].map((queue) => queue.close()));
      await proxy.close();
      await server.stop();
    },
  };
}

/** A folder in memory where the system has one: what is tested is not the disk. */
const inMemory = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());

const TABLES = ['job', 'lease', 'waiting', 'dead', 'pause', 'extras', 'lock', 'imported'];
/** After so many histories a new file is begun: their clock goes on and on. */
const HISTORIES_A_FILE = 200;

function openSqliteGround(): Ground {
  const dir = mkdtempSync(join(inMemory(), 'delayer-histories-'));
  const clock = new MovableClock();
  clock.stop();
  const queues: Queue[] = [];
  const doomed = new Doomed();
  let histories = 0;
  let path = '';
  let eraser: ReturnType<typeof openDatabase> | undefined;
  /** Tells whether other connections have changed something. */
  let version: Statement | undefined;

  const open = async () => new Queue(await SqliteStore.open(path, { now: () => clock.now() }));
  const at = (number: number): Queue => {
    const queue = queues[number];
    if (!queue) throw new Error('empty() opens the store');
    return queue;
  };
  const close = async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    eraser?.close();
    if (path !== '') for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  };
  const begin = async () => {
    await close();
    clock.set(BEGIN);
    path = join(dir, `${histories}.db`);
    for (let i = 0; i < 3; i += 1) queues.push(await open());
    // The first to write something creates the file.
    await at(0).pause('x', { forMs: 0 });
    eraser = openDatabase(path);
    version = eraser.prepare('PRAGMA data_version');
  };
  return {
    name: 'sqlite',
    clock,
    process: at,
    get viewer() {
      return at(2);
    },
    fingerprint: () => Promise.resolve(JSON.stringify(version?.get())),
    empty: async () => {
      if (histories % HISTORIES_A_FILE === 0) await begin();
      histories += 1;
      // To prepare the statements of a new file takes longer than a history.
      eraser?.exec(`BEGIN IMMEDIATE; ${TABLES.map((name) => `DELETE FROM ${name};`).join(' ')} COMMIT`);
      clock.set(nextMinute(clock.now()));
    },
    doom: (task) => doomed.perform({ ...task, path, now: clock.now() }),
    reopen: async (process) => {
      await at(process).close();
      queues[process] = await open();
    },
    close: async () => {
      doomed.close();
      await close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const nextMinute = (ms: number): number => Math.ceil((ms + 1) / 60_000) * 60_000;
