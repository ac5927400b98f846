import { DelayerError } from '../core/errors.js';
import { Queue } from '../core/queue.js';

export interface OpenOptions {
  /** The first part of every key in Redis; `delayer` when absent, as the original clients have it. */
  readonly prefix?: string | undefined;
  /** Takes the place of a password in a Redis URL. */
  readonly password?: string | undefined;
  /** Once it is aborted, a Redis that hangs is waited for no longer than two seconds. */
  readonly ending?: AbortSignal | undefined;
}

const DEFAULT_PREFIX = 'delayer';

/**
 * Opens the queue that a store URL names; only that store's driver is loaded. Redis is not asked
 * before the first call; an SQLite file is opened, and made when it is absent.
 *
 * @param url `redis://[user[:password]@]host[:port][/db]`, `rediss://…`, `redis+unix:///path[?db=0]`
 *   or `sqlite:PATH`
 * @throws DelayerError `config_invalid` when the URL is none of these, or the store's own
 */
export async function openQueue(url: string, options: OpenOptions = {}): Promise<Queue> {
  const scheme = /^([a-z][a-z+]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'redis':
    case 'rediss':
    case 'redis+unix': {
      const prefix = options.prefix ?? DEFAULT_PREFIX;
      if (prefix === '')
        throw new DelayerError('config_invalid', 'The prefix is empty', {
          hint: 'Leave it out for "delayer".',
        });
      const [{ RedisStore }, { parseRedisUrl }] = await Promise.all([
        import('./redis/store.js'),
        import('./redis/url.js'),
      ]);
      return new Queue(new RedisStore(parseRedisUrl(url, options.password), prefix, options.ending));
    }
    case 'sqlite': {
      const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
      // What other programs take for something else would be the name of a new, empty store.
      if (path === '' || /^(:|~|file:|\/\/)|\?/i.test(path))
        throw new DelayerError('config_invalid', `The store URL names no file: ${JSON.stringify(path)}`, {
          hint: 'Write sqlite:PATH; ~, :memory:, file: and parameters mean nothing here.',
        });
      const { SqliteStore } = await import('./sqlite/store.js');
      return new Queue(await SqliteStore.open(path));
    }
    default:
      throw new DelayerError(
        'config_invalid',
        scheme === undefined
          ? 'The store is named by no URL'
          : `There is no store for ${JSON.stringify(`${scheme}:`)} URLs`,
      );
  }
}
