import { DelayerError, type ErrorCode } from '../../core/errors.js';

/** Redis's own error words, wherever they stand: 6.2 puts the error of a script into a sentence. */
const REPLIES: readonly (readonly [pattern: RegExp, code: ErrorCode, message: string])[] = [
  [
    /\b(NOAUTH|WRONGPASS)\b|invalid password|without any password configured/,
    'store_auth',
    'refuses the login',
  ],
  [/\bREADONLY\b|\bMASTERDOWN\b/, 'store_replica', 'is a replica and takes no writes'],
  [/\bLOADING\b/, 'store_loading', 'is still loading its data'],
  [/\bBUSY\b/, 'store_busy', 'is busy with a script of another client'],
  [/\bOOM\b/, 'store_full', 'is out of memory'],
  [/\bMISCONF\b/, 'store_full', 'cannot write to its disk and takes no writes'],
];

/** What lua/lib/keys.lua raises. */
const WRONG_TYPE_KEY = /WRONGTYPEKEY (\w+) (\w+) (.*);/s;
const NEWER_RECORD = /NEWERRECORD (\S+) (\S+) (.*);/s;

export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Makes a DelayerError of an error reply of Redis. */
export function replyError(error: Error, label: string): DelayerError {
  // ioredis attaches the request, whose arguments may be a password or a body: these must not be printed.
  delete (error as { command?: unknown }).command;
  const wrong = WRONG_TYPE_KEY.exec(error.message);
  if (wrong) {
    const [, wanted, found, key] = wrong;
    return new DelayerError(
      'store_wrong_type',
      `${label}: the key ${JSON.stringify(key)} holds a ${found}, where a ${wanted} belongs`,
      { cause: error },
    );
  }
  const newer = NEWER_RECORD.exec(error.message);
  if (newer) {
    const [, version, known, key] = newer;
    return new DelayerError(
      'store_too_new',
      `${label}: the key ${JSON.stringify(key)} holds a record of version ${version}, and this delayer knows ${known}`,
      { cause: error },
    );
  }
  for (const [pattern, code, message] of REPLIES) {
    if (pattern.test(error.message)) {
      return new DelayerError(code, `${label} ${message}`, { cause: error });
    }
  }
  if (error.message.includes('DB index')) {
    return new DelayerError('store_refused', `${label} has no such database`, {
      hint: 'Name one that it has: redis://HOST:PORT/0 to /15 by default.',
      cause: error,
    });
  }
  // The line of a script helps no reader of this message.
  const answer = error.message.replace(/ script: \w+, on @user_script:\d+\.?$/, '');
  return new DelayerError('store_refused', `${label} answered: ${answer}`, { cause: error });
}

const NETWORK: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ECONNRESET: 'connection reset by peer',
  ENOENT: 'no such socket',
  EACCES: 'permission denied on the socket',
};

/** The error of a connection that could not be made, or that broke. */
export function unreachableError(cause: unknown, label: string): DelayerError {
  const { code, message } = (cause ?? {}) as { code?: string; message?: string };
  const known = NETWORK[code ?? ''];
  const notRedis = message?.includes('RESP') === true ? 'what answers there is not Redis' : undefined;
  const reason = known === undefined ? (notRedis ?? message ?? 'connection closed') : `${known} (${code})`;
  return new DelayerError('store_unreachable', `${label} cannot be reached: ${reason}`, { cause });
}

export function replicaError(label: string): DelayerError {
  return new DelayerError('store_replica', `${label} is a replica and takes no writes`);
}

export function tooOldError(label: string, found: string): DelayerError {
  return new DelayerError('store_too_old', `${label} is Redis ${found}, too old for delayer`);
}

/** A request was sent, and whether it ran cannot be told. */
export function outcomeUnknownError(
  label: string,
  why = 'the connection broke before the answer came',
  cause?: unknown,
): DelayerError {
  return new DelayerError('outcome_unknown', `${label}: ${why}, so it may be done or not`, { cause });
}
