import { DelayerError } from '../../core/errors.js';

/** Where a Redis is and how to log in. Never printed whole: `label` is for that. */
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

/**
 * Reads `redis://[user[:password]@]host[:port][/db]`, `rediss://…` and `redis+unix:///path[?db=0]`.
 * @param password takes the place of one in the URL
 * @throws DelayerError `config_invalid`, which never repeats the URL's password
 */
export function parseRedisUrl(text: string, password?: string): RedisAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new DelayerError('config_invalid', 'The store URL cannot be read');
  }
  const login = {
    username: decode(url.username) || undefined,
    password: password ?? (decode(url.password) || undefined),
  };
  if (url.protocol === 'redis+unix:') {
    const path = decode(url.pathname);
    if (url.host !== '' || path === '' || path === '/') {
      throw new DelayerError('config_invalid', 'The store URL names no socket', {
        hint: 'Write redis+unix:///absolute/path or redis+unix:///absolute/path?db=1.',
      });
    }
    const db = databaseNumber(url.searchParams.get('db') ?? '');
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
    throw new DelayerError('config_invalid', `The store URL names no database: ${JSON.stringify(text)}`, {
      hint: 'A database of Redis is a number: redis://localhost:6379/0.',
    });
  }
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DelayerError('config_invalid', 'The store URL holds a % that begins no escape', {
      hint: 'Write % as %25 in a user, password or path.',
    });
  }
}
