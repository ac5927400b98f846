import { constants, openSync, readFileSync, statSync } from 'node:fs';
import { isIPv6, Socket } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { DelayerError } from '../../core/errors.js';
import { MAX_TIMER_MS } from '../../core/timer.js';
import { type IniEntry, parseIni, wrongLine } from './ini.js';

/** What a configuration file of the original daemon says. Keys that are absent or empty are undefined. */
export interface DaemonConfig {
  /** Paths as they stand in the file; like the original, delayer reads them from the working directory. */
  readonly pidFile: string | undefined;
  readonly accessLog: string | undefined;
  readonly errorLog: string | undefined;
  readonly intervalMs: number | undefined;
  /** Undefined when no key of [redis] names the store. */
  readonly redis: { readonly url: string; readonly password: string | undefined } | undefined;
  /** Sentences about keys that have no effect here. */
  readonly notes: readonly string[];
}

/** Keys of the original's pool of connections. */
const POOL_KEYS = ['max_idle', 'max_active', 'idle_timeout', 'conn_max_lifetime'];
const KNOWN: ReadonlyMap<string, readonly string[]> = new Map([
  ['delayer', ['pid', 'timer_interval', 'access_log', 'error_log']],
  ['redis', ['host', 'port', 'database', 'password', ...POOL_KEYS]],
]);

const HOST = '127.0.0.1';
const PORT = 6379;
const MAX_PORT = 65_535;
const MAX_DATABASE = 999_999_999;

/**
 * Reads `delayer.conf` of the original daemon.
 * @param signal ends the wait for the writer of a FIFO; what was read is then of no use
 * @throws DelayerError `config_invalid` with file and line
 */
export async function readDaemonConfig(file: string, signal?: AbortSignal): Promise<DaemonConfig> {
  let text: string;
  try {
    text = statSync(file).isFIFO() ? await readFifo(file, signal) : readFileSync(file, 'utf8');
  } catch (error) {
    throw new DelayerError(
      'config_invalid',
      `The configuration file ${file} cannot be read: ${(error as Error).message}`,
      { hint: 'Name the file with -c FILE.' },
    );
  }
  const entries = parseIni(text, file);
  const keys = new Keys(entries, file);
  return {
    pidFile: keys.text('delayer', 'pid'),
    accessLog: keys.text('delayer', 'access_log'),
    errorLog: keys.text('delayer', 'error_log'),
    intervalMs: keys.number('delayer', 'timer_interval', 1, MAX_TIMER_MS),
    redis: readRedis(keys),
    notes: notesOf(entries, file),
  };
}

/** Reads a FIFO, or the pipe of `<(…)`, without blocking the process, which would then hear no signal. */
async function readFifo(file: string, signal?: AbortSignal): Promise<string> {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: true, writable: false });
  const end = () => socket.push(null);
  signal?.addEventListener('abort', end);
  try {
    return await textOf(socket);
  } finally {
    signal?.removeEventListener('abort', end);
    socket.destroy();
  }
}

function readRedis(keys: Keys): DaemonConfig['redis'] {
  const host = keys.text('redis', 'host');
  const port = keys.number('redis', 'port', 1, MAX_PORT);
  const database = keys.number('redis', 'database', 0, MAX_DATABASE);
  const password = keys.text('redis', 'password');
  if ([host, port, database, password].every((value) => value === undefined)) return undefined;
  const at = hostInUrl(host ?? HOST);
  if (at === undefined)
    throw keys.wrong(
      'redis',
      'host',
      'neither the name nor the address of a host',
      'Write the name or the address alone, and the port of the host as port = PORT.',
    );
  return { url: `redis://${at}:${port ?? PORT}/${database ?? 0}`, password };
}

class Keys {
  private readonly given: ReadonlyMap<string, IniEntry>;

  constructor(
    entries: readonly IniEntry[],
    private readonly file: string,
  ) {
    // If a key stands twice, the last one counts, as in the original.
    this.given = new Map(entries.map((entry) => [`${entry.section}.${entry.key}`, entry]));
  }

  text(section: string, key: string): string | undefined {
    const value = this.given.get(`${section}.${key}`)?.value;
    return value === '' ? undefined : value;
  }

  number(section: string, key: string, least: number, most: number): number | undefined {
    const text = this.text(section, key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw this.wrong(section, key, `not a whole number from ${least} to ${most}`);
  }

  wrong(section: string, key: string, what: string, hint?: string): DelayerError {
    const { line = 0, value = '' } = this.given.get(`${section}.${key}`) ?? {};
    return wrongLine(this.file, line, `${key} is ${JSON.stringify(value)}, ${what}`, hint);
  }
}

/** An IPv6 address may stand with or without brackets. Undefined when it is not a host. */
function hostInUrl(host: string): string | undefined {
  if (/^[\w.-]+$/.test(host)) return host;
  const address = host.replace(/^\[(.*)\]$/, '$1');
  // A URL has no room for the zone of an address.
  return isIPv6(address) && !address.includes('%') ? `[${address}]` : undefined;
}

function notesOf(entries: readonly IniEntry[], file: string): string[] {
  const unknown = entries
    .filter(({ section, key }) => KNOWN.get(section)?.includes(key) !== true)
    .map(({ section, key, line }) => {
      const where = section === '' ? 'before the first section' : `in [${section}]`;
      return `${file}:${line}: unknown key ${JSON.stringify(key)} ${where}; it is ignored`;
    });
  const pool = POOL_KEYS.filter((name) =>
    entries.some(({ section, key }) => section === 'redis' && key === name),
  );
  if (pool.length === 0) return unknown;
  const are = pool.length === 1 ? 'is' : 'are';
  return [
    ...unknown,
    `${file}: ${pool.join(', ')} ${are} ignored: this daemon has two connections to Redis, and keeps them`,
  ];
}
