import { DelayerError, type ErrorCode } from '../../core/errors.js';

/** Redis's own error words, wherever they stand: 6.2 wraps what a script met into a sentence. */
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

const WRONG_TYPE_KEY = /WRONGTYPEKEY (\w+) (\w+) (.*);/s;

export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Turns an error answer of Redis into one of delayer's. */
export function fromReply(error: Error, label: string): DelayerError {
  // ioredis notes the request with it, a password or a body among its arguments: no one else is to see that.
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
  // A script's place in its source helps nobody who reads this.
  const answer = error.message.replace(/ script: \w+, on @user_script:\d+\.?$/, '');
  return new DelayerError('store_refused', `${label} answered: ${answer}`, { cause: error });
}

const NETWORK: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'it closed the connection',
  ENOENT: 'there is no such socket',
  EACCES: 'the socket may not be opened by this user',
};

/** Turns a failure to connect into one of delayer's errors. */
export function unreachable(cause: unknown, label: string): DelayerError {
  const { code, message } = (cause ?? {}) as { code?: string; message?: string };
  const noRedis = message?.includes('RESP') === true ? 'what answers there is no Redis' : undefined;
  const reason = NETWORK[code ?? ''] ?? noRedis ?? message ?? 'the connection was closed';
  return new DelayerError('store_unreachable', `${label} cannot be reached: ${reason}`, { cause });
}
