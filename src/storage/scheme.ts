import { DelayerError } from '../core/errors.js';

export type Scheme = 'redis' | 'rediss' | 'redis+unix' | 'sqlite';

const SCHEMES: readonly string[] = ['redis', 'rediss', 'redis+unix', 'sqlite'] satisfies Scheme[];

const QUOTES = /^["'“‘`]|["'”’`]$/;

/** What else stands in the place of a store URL, and what to write; the text is not repeated, for it may hold a password. */
const MISTAKES: readonly (readonly [pattern: RegExp, message: string, hint?: string])[] = [
  [/^$/, 'The store URL is empty'],
  [/^\s/, 'The store URL begins with white space', 'Remove it; in a URL, write a space as %20.'],
  [QUOTES, 'The store URL is in quotes', 'Remove them: env files and crontabs do not strip quotes.'],
  [
    /^[a-z0-9+.-]*sentinel[a-z0-9+.-]*:/i,
    'Redis Sentinel is not supported',
    'Name the primary itself: redis://HOST:PORT.',
  ],
  [
    /^[a-z0-9+.-]*cluster[a-z0-9+.-]*:/i,
    'Redis Cluster is not supported',
    'Name a Redis that is not a cluster: redis://HOST:PORT.',
  ],
  [
    /^(unix|redis[+-]sockets?|rediss\+unix):/i,
    'The scheme of a Unix socket is redis+unix',
    'Write redis+unix:///PATH.',
  ],
  [/^(redis[+-](tls|ssl)|valkeys):/i, 'The scheme of Redis over TLS is rediss', 'Write rediss://HOST:PORT.'],
  [
    /^(valkey|keydb|dragonfly):/i,
    'The scheme of a server that speaks the Redis protocol is redis',
    'Write redis://HOST:PORT.',
  ],
  [
    /^(file|sqlite3?\+[a-z]+|sqlite3|sqlite-[a-z]+):/i,
    'The scheme of an SQLite file is sqlite',
    'Write sqlite:PATH.',
  ],
  [/^(\/|\.{0,2}\/|~)|\.db$/i, 'The store is a path, not a URL', 'Write sqlite: in front of it.'],
  [/^[^/:@]*:\d+(\/\d*)?$/, 'The store URL has no scheme', 'Write redis:// in front of it.'],
];

/**
 * What kind of store a URL names.
 * @throws DelayerError `config_invalid`
 */
export function schemeOf(url: string): Scheme {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const isKnown = scheme !== undefined && SCHEMES.includes(scheme);
  // The name of a file may end in a quote.
  if (isKnown && (scheme === 'sqlite' || !QUOTES.test(url))) return scheme as Scheme;
  const mistake = MISTAKES.find(([pattern]) => pattern.test(url));
  if (mistake) throw new DelayerError('config_invalid', mistake[1], { hint: mistake[2] });
  throw new DelayerError(
    'config_invalid',
    scheme === undefined
      ? 'The store is not a URL'
      : `unknown scheme of a store URL: ${JSON.stringify(`${scheme}:`)}`,
  );
}
