import { DelayerError } from '../core/errors.js';
import { Queue } from '../core/queue.js';
import type { Store } from '../core/store.js';
import { type AbortSignalLike, MAX_TIMER_MS } from '../core/timer.js';
import {
  assertFields,
  assertFlag,
  assertSignal,
  assertText,
  shown,
  toCount,
  usageError,
} from '../core/check.js';
import { schemeOf } from './scheme.js';

export interface OpenOptions {
  /** The first part of every key in Redis; `delayer` when absent, as the original clients use. */
  readonly prefix?: string | undefined;
  /** Used in place of a password in a Redis URL. */
  readonly password?: string | undefined;
  /**
   * Is the folder of an SQLite file delayer's own? Then it is created when absent, and it and the file are for this
   * user only. Otherwise the folder has to exist, and the umask decides who may use the file.
   */
  readonly ownFolder?: boolean | undefined;
  /**
   * How often (ms) a wait for ready jobs polls: where Redis may not report changes, and for due jobs that no daemon
   * has made ready. 100 when absent.
   */
  readonly pollMs?: number | undefined;
  /** Once it is aborted, a Redis that hangs is waited for no longer than two seconds. */
  readonly shutdown?: AbortSignalLike | undefined;
  /** How long (ms) an SQLite file that another process is migrating is waited for; 15 s when absent. */
  readonly openTimeoutMs?: number | undefined;
}

const OPTIONS = [
  'prefix',
  'password',
  'ownFolder',
  'pollMs',
  'shutdown',
  'openTimeoutMs',
] satisfies (keyof OpenOptions)[];

/** The first part of every key in Redis, as the original clients have it. */
export const DEFAULT_PREFIX = 'delayer';

/**
 * Opens the queue that a store URL names; only that store's driver is loaded. Redis is not asked before
 * the first call; an SQLite file is opened when it is there, and else created by the first push, import or pause.
 *
 * @param url `redis://[user[:password]@]host[:port][/db]`, `rediss://…`, `redis+unix:///path[?db=0]`
 *   or `sqlite:PATH`
 * @throws DelayerError `usage` for an unknown option, `config_invalid` when the URL is none of these, or
 *   what the store answers
 */
export async function openQueue(url: string, options: OpenOptions = {}): Promise<Queue> {
  return new Queue(await openStore(url, options));
}

/** @internal The store that a URL names, as {@link openQueue} opens it. */
export async function openStore(url: string, options: OpenOptions): Promise<Store> {
  // Checked because a mistyped option, such as the prefix, would silently open another queue.
  assertFields(options, OPTIONS, 'option of openQueue');
  if (typeof url !== 'string') throw usageError(`The store URL is not a string: ${shown(url)}`);
  assertText(options.prefix, 'prefix');
  assertText(options.password, 'password');
  assertFlag(options.ownFolder, 'ownFolder');
  if (options.pollMs !== undefined) toCount(options.pollMs, 'pollMs', MAX_TIMER_MS);
  assertSignal(options.shutdown);
  if (options.openTimeoutMs !== undefined) toCount(options.openTimeoutMs, 'openTimeoutMs', MAX_TIMER_MS);
  if (schemeOf(url) === 'sqlite') return openSqlite(url, options);
  return openRedis(url, options);
}

async function openRedis(url: string, { prefix, password, shutdown, pollMs }: OpenOptions): Promise<Store> {
  if (prefix === '')
    throw new DelayerError('config_invalid', 'The prefix is empty', { hint: 'Leave it out for "delayer".' });
  const [{ RedisStore }, { parseRedisUrl }] = await Promise.all([
    import('./redis/store.js'),
    import('./redis/url.js'),
  ]);
  return new RedisStore(parseRedisUrl(url, password), prefix ?? DEFAULT_PREFIX, shutdown, pollMs);
}

/**
 * The address of a store without its password, which is not opened.
 * @throws DelayerError `config_invalid` when the URL is not one that `openQueue` takes
 */
export async function storeLabel(url: string): Promise<string> {
  if (schemeOf(url) === 'sqlite') return `sqlite:${sqlitePath(url)}`;
  const { parseRedisUrl } = await import('./redis/url.js');
  return parseRedisUrl(url).label;
}

async function openSqlite(url: string, { ownFolder, openTimeoutMs }: OpenOptions): Promise<Store> {
  const path = sqlitePath(url);
  const { SqliteStore } = await import('./sqlite/store.js');
  return SqliteStore.open(path, { ownFolder, openTimeoutMs });
}

/** The path in `sqlite:PATH`. */
function sqlitePath(url: string): string {
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  // A path that other programs would read as something else would name a new, empty store. Parameters would stand
  // behind the name of the file: a folder may have a `?` in its name.
  if (path === '' || /^(:|~|file:|\/\/)|\?[^/]*$/i.test(path))
    throw new DelayerError('config_invalid', `The store URL does not name a file: ${JSON.stringify(path)}`, {
      hint: 'Write sqlite:PATH; ~, :memory:, file: and parameters are not supported.',
    });
  return path;
}
