import { DelayerError, type ErrorCode } from '../../core/errors.js';

interface Reply {
  /** Redis's own error word, anywhere in the text: 6.2 puts the error of a script into a sentence. */
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  /** The text that follows the name of the store. */
  readonly says: string;
  readonly hint?: string;
  /** Does the text end with Redis's own words? */
  readonly quotes?: boolean;
}

const REPLIES: readonly Reply[] = [
  { pattern: /\bNOAUTH\b/, code: 'store_auth', says: 'refuses the login: a password is required (NOAUTH)' },
  {
    pattern: /\bWRONGPASS\b|invalid password/,
    code: 'store_auth',
    says: 'refuses the login: wrong user or password, or the user is disabled (WRONGPASS)',
  },
  {
    pattern: /without any password configured/,
    code: 'store_auth',
    says: 'refuses the login: a password is given, and the server has none',
  },
  {
    pattern: /\bNOPERM\b|The user executing the script can't/,
    code: 'store_refused',
    says: 'denies permission',
    hint: "Give the user the commands, keys and channels that are needed: ACL SETUSER NAME +@all '~PREFIX:*' '&PREFIX:*'.",
    quotes: true,
  },
  {
    pattern: /\bMASTERDOWN\b/,
    code: 'store_replica',
    says: 'is a replica that has lost its primary, and answers no requests (MASTERDOWN)',
  },
  { pattern: /\bREADONLY\b/, code: 'store_replica', says: 'is a replica and takes no writes' },
  { pattern: /\bLOADING\b/, code: 'store_loading', says: 'is still loading its data' },
  { pattern: /\bBUSY\b/, code: 'store_busy', says: 'is busy with a script of another client' },
  {
    pattern: /max number of clients/,
    code: 'store_busy',
    says: 'takes no more connections (maxclients)',
    hint: 'Close other connections, or raise maxclients in its configuration.',
  },
  { pattern: /\bOOM\b/, code: 'store_full', says: 'is out of memory' },
  { pattern: /\bMISCONF\b/, code: 'store_full', says: 'cannot write to its disk and takes no writes' },
  {
    pattern: /\bNOREPLICAS\b/,
    code: 'store_refused',
    says: 'has too few replicas in reach, and takes no writes (min-replicas-to-write)',
    hint: 'Bring its replicas back, or lower min-replicas-to-write.',
  },
  {
    pattern:
      /\b(CROSSSLOT|MOVED|ASK|CLUSTERDOWN|TRYAGAIN)\b|non local key in a cluster|hash to the same slot/,
    code: 'store_refused',
    says: 'is a node of a Redis Cluster, over which the keys of a queue would be spread',
    hint: 'Name a Redis that is not a cluster; or a prefix in braces, {delayer}, and the node that holds its slot.',
    quotes: true,
  },
  {
    pattern: /\bDENIED\b/,
    code: 'store_refused',
    says: 'is in protected mode, and takes no connections from other machines',
    hint: 'Give it a password (requirepass), or turn protected-mode off where the network is safe.',
  },
  {
    pattern: /unknown (redis )?command/i,
    code: 'store_refused',
    says: 'does not know a command that delayer needs, or has it under another name',
    hint: 'Take the rename-command out of its configuration, or use a Redis that has the command.',
    quotes: true,
  },
  {
    pattern: /invalid bulk length/,
    code: 'store_refused',
    says: 'takes no value of this size (proto-max-bulk-len)',
    hint: 'Raise proto-max-bulk-len, or store the body elsewhere and push its address.',
  },
  {
    pattern: /DB index/,
    code: 'store_refused',
    says: 'has no such database',
    hint: 'Name one that it has: redis://HOST:PORT/0 to /15 by default.',
  },
  {
    // No script of delayer should end like this, whatever it finds.
    pattern: /user_script:\s*\d+: (attempt to|bad argument|too many|stack overflow|table index is)/,
    code: 'internal',
    says: 'ran a script that failed',
    quotes: true,
  },
  {
    pattern: /\bWRONGTYPE\b/,
    code: 'store_wrong_type',
    says: 'holds a key of the wrong type (WRONGTYPE)',
  },
];

/** The error that lua/lib/keys.lua raises. Redis cuts a message at a NUL, which a key may contain. */
const WRONG_TYPE_KEY = /WRONGTYPEKEY (\w+) (\w+) (.*?)(?:;|;? script: \w+, on @user_script\S*|;?\s*)$/s;
const NEWER_RECORD = /NEWERRECORD (\S+) (\S+) (.*?)(?:;|;? script: \w+, on @user_script\S*|;?\s*)$/s;

export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/**
 * Arguments of a request may be a password or a body and must not be printed. ioredis attaches them to errors, and
 * Redis repeats those of a command that it does not know.
 */
function withoutArguments(error: Error): Error {
  delete (error as { command?: unknown }).command;
  const [message = ''] = error.message.split(/, with args beginning with:/);
  return message === error.message ? error : new Error(message);
}

/** Makes a DelayerError of an error reply of Redis. */
export function replyError(error: Error, label: string): DelayerError {
  const cause = withoutArguments(error);
  const wrong = WRONG_TYPE_KEY.exec(cause.message);
  if (wrong) {
    const [, wanted, found, key] = wrong;
    return new DelayerError(
      'store_wrong_type',
      `${label}: the key ${JSON.stringify(key)} holds a ${found}, where a ${wanted} belongs`,
      { cause },
    );
  }
  const newer = NEWER_RECORD.exec(cause.message);
  if (newer) {
    const [, version, known, key] = newer;
    return new DelayerError(
      'store_too_new',
      `${label}: the key ${JSON.stringify(key)} holds a record of version ${version}, and this version of delayer supports ${known}`,
      { cause },
    );
  }
  // The line number of a script is of no use to users.
  const answer = cause.message.replace(/ script: \w+, on @user_script:\d+\.?$/, '');
  const known = REPLIES.find(({ pattern }) => pattern.test(answer));
  if (!known) return new DelayerError('store_refused', `${label} answered: ${answer}`, { cause });
  const { code, says, hint, quotes } = known;
  const quote = quotes === true ? `: ${answer}` : '';
  return new DelayerError(code, `${label} ${says}${quote}`, { hint, cause });
}

/**
 * Recognised by its name: with both `import` and `require`, a module that is loaded late has a class of its own.
 */
export function isWrongTypeError(error: unknown): error is Error & Pick<DelayerError, 'hint'> {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === 'DelayerError' && code === 'store_wrong_type';
}

/** Redis does not permit this, to this user or to anybody. Recognised by its name, as above. */
export function isRefusedError(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === 'DelayerError' && code === 'store_refused';
}

export function replicaError(label: string): DelayerError {
  return new DelayerError('store_replica', `${label} is a replica and takes no writes`);
}

export function sentinelError(label: string): DelayerError {
  return new DelayerError('store_refused', `${label} is a Sentinel, which keeps no jobs`, {
    hint: 'Name the primary that it watches; SENTINEL MASTERS lists it.',
  });
}

export function tooOldError(label: string, found: string): DelayerError {
  return new DelayerError('store_too_old', `${label} is Redis ${found}, too old for delayer`);
}

/** A request was sent, and it is unknown whether it ran. */
export function outcomeUnknownError(label: string, why: string, cause?: unknown): DelayerError {
  return new DelayerError(
    'outcome_unknown',
    `${label}: ${why}, so it is unknown whether the request was executed`,
    { cause },
  );
}
