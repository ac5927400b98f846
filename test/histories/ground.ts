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

/** The expiry of each key, because the digest of Redis only says whether a key has one. */
const EXPIRIES = `
local expiries = {}
for i, key in ipairs(redis.call('KEYS', '*')) do expiries[i] = key .. ' ' .. redis.call('PEXPIRETIME', key) end
table.sort(expiries)
return redis.sha1hex(table.concat(expiries, ','))`;

/** A store on which histories run one after the other, each on an empty store. */
export interface Ground {
  readonly name: StoreName;
  readonly clock: TestClock;
  /** One of two processes on the store. */
  process(number: number): Queue;
  /** A queue that is used only for views. */
  readonly viewer: Queue;
  readonly redis?: RedisParts;
  /** A text that changes with everything that is stored. */
  fingerprint(): Promise<string>;
  /** Empties the store. */
  empty(): Promise<void>;
  reopen?(process: number): Promise<void>;
  /** Runs a call in a process that ends at one of its statements; returns whether the call was answered before. */
  doom?(task: Pick<Task, 'method' | 'args' | 'killAt' | 'after'>): Promise<boolean>;
  close(): Promise<void>;
}

export interface RedisParts {
  readonly raw: Redis;
  readonly proxy: Proxy;
  /** Opens another queue. */
  open(): Queue;
  /** A queue whose connection can be cut. */
  readonly behindProxy: Queue;
}

/** A whole second, because original clients use whole seconds. */
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
  // With a name it is not examined as an original daemon, for which doctor would wait a second.
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

/** A folder in memory if the system has one, because the disk is not under test. */
const inMemory = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());

const TABLES = ['job', 'lease', 'waiting', 'dead', 'pause', 'extras', 'lock', 'imported', 'refused_line'];
/** The number of histories per file; with a new file the clock, which otherwise goes on, is set back. */
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
  /** Reads whether other connections have changed something. */
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
    // The first write creates the file.
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
      // Deletes the rows, because a new file, whose statements must be prepared, takes longer than a history.
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
