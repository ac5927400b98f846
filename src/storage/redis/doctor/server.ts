import type { Fault } from '../../../core/faults.js';
import { readDaemons } from '../inspect/daemons.js';
import { originalDaemons } from '../inspect/original-daemons.js';
import type { Read } from '../inspect/read.js';
import type { Keys } from '../keys.js';

/** Faults of the server: settings, memory, clock, daemons. */

/** The clocks of two machines with the same time servers differ by less than this (ms). */
const CLOCK_TOLERANCE_MS = 2000;
/** A time that is further in the future (ms) was written before the clock was set back. */
const BACK_TOLERANCE_MS = 15_000;
/**
 * A daemon makes a job ready when it is due; if it is so far (ms) behind, it is gone, or something blocks it.
 */
const OVERDUE_MS = 60_000;
/** Shares of `maxmemory` that are used. */
const NEAR_FULL = 0.8;
const FULL = 0.95;

/** What was seen of jobs and dead letters before. */
export interface Seen {
  /** Ready jobs that another daemon than delayer's made ready. */
  readonly unnoted: number;
  readonly lastFailureMs: number;
}

export async function serverFaults(read: Read, keys: Keys, seen: Seen): Promise<Fault[]> {
  const settings = await readServer(read);
  return [
    ...settingFaults(settings),
    ...memoryFaults(settings.info),
    ...(await clockFaults(read, keys, seen)),
    ...(await daemonFaults(read, keys, seen)),
    ...(await originalFaults(read)),
    ...(await overdueFaults(read, keys)),
  ];
}

/** A field of what INFO says. */
export type Info = (name: string) => string | undefined;

export interface Settings {
  readonly info: Info;
  /** The save points of Redis; undefined when the user may not read them. */
  readonly save: string | undefined;
  readonly denied: readonly string[];
}

export async function readServer(read: Read): Promise<Settings> {
  const denied: string[] = [];
  const orDenied = (what: string) => (): undefined => {
    denied.push(what);
    return undefined;
  };
  const [text, save] = await read(({ redis }) =>
    Promise.all([
      redis.info().catch(orDenied('INFO')),
      redis.config('GET', 'save').then((found) => found[1], orDenied('CONFIG GET')),
    ]),
  );
  const fields = new Map((text ?? '').split(/\r?\n/).map((line) => splitOnce(line)));
  return { info: (name) => fields.get(name), save, denied: [...new Set(denied)] };
}

const splitOnce = (line: string): [string, string] => {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)];
};

function settingFaults({ info, save, denied }: Settings): Fault[] {
  const faults: Fault[] = denied.map((found) => ({ kind: 'not_permitted', found }));
  if (info('role') === 'slave')
    faults.push({ kind: 'replica', found: `${info('master_host') ?? ''}:${info('master_port') ?? ''}` });
  if (info('aof_enabled') === '0' && save === '') faults.push({ kind: 'no_persistence' });
  for (const [field, what] of [
    ['rdb_last_bgsave_status', 'BGSAVE'],
    ['aof_last_write_status', 'AOF'],
    ['aof_last_bgrewrite_status', 'BGREWRITEAOF'],
  ] as const)
    if (info(field) === 'err') faults.push({ kind: 'persistence_fails', found: what });
  const policy = info('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction')
    faults.push({ kind: info('maxmemory') === '0' ? 'would_evict' : 'evicts', found: policy });
  return faults;
}

function memoryFaults(info: Info): Fault[] {
  const [used, most] = [Number(info('used_memory') ?? 0), Number(info('maxmemory') ?? 0)];
  if (most === 0 || used < NEAR_FULL * most) return [];
  const percent = `${Math.floor((100 * used) / most)} %`;
  return [{ kind: used < FULL * most ? 'memory_near' : 'memory_full', found: percent }];
}

async function clockFaults(read: Read, keys: Keys, { lastFailureMs }: Seen): Promise<Fault[]> {
  const faults: Fault[] = [];
  const { asked, answered, nowMs, daemons } = await read(async ({ redis }) => {
    const asked = Date.now();
    const [seconds, micros] = await redis.time();
    const answered = Date.now();
    const daemons = await redis.zrange(keys.daemons, '-1', '-1', 'WITHSCORES').catch((): string[] => []);
    return { asked, answered, nowMs: Number(seconds) * 1000 + Math.floor(Number(micros) / 1000), daemons };
  });
  const offMs = nowMs < asked ? nowMs - asked : Math.max(0, nowMs - answered);
  if (Math.abs(offMs) > CLOCK_TOLERANCE_MS) faults.push({ kind: 'clock_differs', found: String(offMs) });
  const lastSeenMs = Number(daemons[1] ?? 0) * 1000;
  const aheadMs = Math.max(lastFailureMs, Number.isFinite(lastSeenMs) ? lastSeenMs : 0) - nowMs;
  if (aheadMs > BACK_TOLERANCE_MS) faults.push({ kind: 'clock_jumped', found: String(-Math.round(aheadMs)) });
  return faults;
}

async function daemonFaults(read: Read, keys: Keys, { unnoted }: Seen): Promise<Fault[]> {
  const { seen, strange } = await readDaemons(read, keys);
  const faults = strange.map((name): Fault => ({
    kind: 'value_strange',
    key: Buffer.from(keys.daemons),
    id: name,
  }));
  if (seen.length === 0) faults.push({ kind: 'no_daemon', ...(unnoted > 0 && { found: String(unnoted) }) });
  else if (unnoted > 0) faults.push({ kind: 'other_daemon', found: String(unnoted) });
  return faults;
}

async function originalFaults(read: Read): Promise<Fault[]> {
  const clients = (await originalDaemons(read, new Map())) ?? [];
  return clients.map((client): Fault => ({ kind: 'original_daemon', client }));
}

async function overdueFaults(read: Read, keys: Keys): Promise<Fault[]> {
  const overdue = await read(async ({ redis }) => {
    const [seconds] = await redis.time();
    const before = Number(seconds) - OVERDUE_MS / 1000;
    return redis.zcount(keys.pool, '0', before).catch(() => 0);
  });
  return overdue === 0 ? [] : [{ kind: 'jobs_overdue', count: overdue }];
}
