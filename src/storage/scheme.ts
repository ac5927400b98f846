import { DelayerError } from '../core/errors.js';

export type Scheme = 'redis' | 'rediss' | 'redis+unix' | 'sqlite';

const SCHEMES: readonly string[] = ['redis', 'rediss', 'redis+unix', 'sqlite'] satisfies Scheme[];

const QUOTES = /^["'“‘`]|["'”’`]$/;

/** What else stands in the place of a store URL, and what to write; the text is not repeated, for it may hold a password. */
const MISTAKES: readonly (readonly [pattern: RegExp, message: string, hint?: string])[] = [
  [/^$/, 'The store URL is empty'],
  [/^\s/, 'The store URL has white space before it', 'Write it without; in a URL a space is %20.'],
  [QUOTES, 'The store URL stands in quotes', 'Write it without them: env files and crontabs keep them.'],
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
    'A socket is named in another way',
    'Write redis+unix:///PATH.',
  ],
  [/^(redis[+-](tls|ssl)|valkeys):/i, 'TLS is named in another way', 'Write rediss://HOST:PORT.'],
  [
    /^(valkey|keydb|dragonfly):/i,
    'A store that speaks as Redis does is named as one',
    'Write redis://HOST:PORT.',
  ],
  [
    /^(file|sqlite3?\+[a-z]+|sqlite3|sqlite-[a-z]+):/i,
    'A file is named in another way',
    'Write sqlite:PATH.',
  ],
  [/^(\/|\.{0,2}\/|~)|\.db$/i, 'The store is a path and no URL', 'Write sqlite: in front of it.'],
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
