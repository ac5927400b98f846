import { DelayerError } from '../../core/errors.js';

/** Where a Redis is, and how to log in. Only `label` may be printed. */
export interface RedisAddress {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly tls: boolean;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly db: number;
  /** The address without its password. */
  readonly label: string;
}

const DEFAULT_PORT = 6379;
/** The longest path of a socket that the system takes; Node cuts off the rest silently. */
const MAX_SOCKET_BYTES = 107;

/**
 * Reads `redis://[user[:password]@]host[:port][/db]`, `rediss://…` and `redis+unix:///path[?db=0]`.
 * @param password used in place of one in the URL
 * @throws DelayerError `config_invalid`, which never repeats the URL's password
 */
export function parseRedisUrl(text: string, password?: string): RedisAddress {
  let url: URL;
  try {
    // A URL has no user without a host, but a socket may need a user.
    url = new URL(text.replace(/^(redis\+unix:\/\/[^/]*@)\//, '$1socket/'));
  } catch {
    throw new DelayerError('config_invalid', 'The store URL cannot be read');
  }
  // Node compiles its parser of query parameters when it is first used.
  const parameters = url.search === '' ? undefined : url.searchParams;
  const unknown = [...(parameters?.keys() ?? [])].find(
    (name) => url.protocol !== 'redis+unix:' || name !== 'db',
  );
  if (unknown !== undefined) {
    throw new DelayerError(
      'config_invalid',
      // Not repeated in the message: after a ? that should have been %3F follows the rest of a password.
      'unknown parameter after ? in the store URL',
      {
        hint: 'Write the database as redis://HOST/3, or redis+unix:///PATH?db=3 for a socket. In a password, write ? as %3F.',
      },
    );
  }
  if (url.hash !== '') {
    throw new DelayerError('config_invalid', 'The store URL contains a #', { hint: 'Write # as %23.' });
  }
  const username = decode(url.username) || undefined;
  // A user without a password logs in all the same: Redis has users that need none.
  const none = username === undefined ? undefined : '';
  const login = { username, password: password ?? (decode(url.password) || none) };
  if (url.protocol === 'redis+unix:') {
    const path = decode(url.pathname);
    if ((url.host !== '' && url.host !== 'socket') || path === '' || path === '/') {
      throw new DelayerError('config_invalid', 'The store URL names no socket', {
        hint: 'Write redis+unix:///absolute/path or redis+unix:///absolute/path?db=1.',
      });
    }
    if (Buffer.byteLength(path) > MAX_SOCKET_BYTES)
      throw new DelayerError(
        'config_invalid',
        `The path of the socket is longer than ${MAX_SOCKET_BYTES} bytes`,
        {
          hint: 'Use a shorter path, for example of a symbolic link.',
        },
      );
    const db = databaseNumber(parameters?.get('db') ?? '');
    return { path, tls: false, ...login, db, label: `redis+unix://${path}?db=${db}` };
  }
  if (url.hostname === '') throw new DelayerError('config_invalid', 'The store URL names no host');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const db = databaseNumber(url.pathname.replace(/^\//, ''));
  return {
    host,
    port,
    tls: url.protocol === 'rediss:',
    ...login,
    db,
    label: `${url.protocol}//${url.hostname}:${port}/${db}`,
  };
}

function databaseNumber(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,9}$/.test(text)) {
    // The text is not repeated: after a / that should have been %2F follows the rest of a password.
    throw new DelayerError('config_invalid', 'The database in the store URL is not a number', {
      hint: 'Write redis://HOST:PORT/0. In a password, write / as %2F.',
    });
  }
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DelayerError('config_invalid', 'invalid % escape in the store URL', {
      hint: 'Write % as %25 in a user, password or path.',
    });
  }
}
