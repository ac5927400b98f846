import { DelayerError, type ErrorCode } from '../../core/errors.js';

const BUSY = 5;
const LOCKED = 6;
const FULL = 13;
const CANTOPEN = 14;
const CONSTRAINT_UNIQUE = 2067;
/** The index of the log could not be made longer: in practice the disk is full. */
const IOERR_SHMSIZE = 4874;

const ANOTHER_FILE = 'Name another file.';
const MAKE_ROOM = 'Make room on that disk, then try again; what was pushed before is safe.';

/** SQLite's primary result codes, as https://sqlite.org/rescode.html numbers them. */
const RESULTS: Record<number, readonly [code: ErrorCode, message: string, hint?: string]> = {
  [BUSY]: [
    'store_busy',
    'is busy: other processes kept writing to it',
    'Try again; `fuser FILE` says who has it open.',
  ],
  [LOCKED]: ['store_busy', 'is locked'],
  8: ['store_refused', 'cannot be written', 'Check the owner and the mode of the file and its folder.'],
  10: ['store_refused', 'met an error of the disk', 'Check the disk and the system log.'],
  11: ['store_corrupt', 'is damaged'],
  [FULL]: ['store_full', 'has no room left', MAKE_ROOM],
  [CANTOPEN]: [
    'store_refused',
    'cannot be opened',
    'Check the owner and the mode of the file and its folder.',
  ],
  26: ['store_corrupt', 'is not a delayer store: the file is not an SQLite database'],
};

const OUT_OF_ROOM = new Set(['ENOSPC', 'EDQUOT']);
/** The same two as numbers of Linux, as SQLite keeps them. */
const OUT_OF_ROOM_NUMBERS = new Set([28, 122]);

/**
 * What the binding throws. `errcode` is an extended result code, its low byte the primary one; what
 * `all()` of `@photostructure/sqlite` throws has only SQLite's text for it.
 */
interface SqliteFailure {
  readonly errcode?: number;
  readonly systemErrno?: number;
}

/** https://sqlite.org/c3ref/errcode.html, `sqlite3_errstr()` */
const TEXTS: Record<string, number> = {
  'database is locked': BUSY,
  'database table is locked': LOCKED,
  'attempt to write a readonly database': 8,
  'disk I/O error': 10,
  'database disk image is malformed': 11,
  'database or disk is full': FULL,
  'unable to open database file': CANTOPEN,
  'file is not a database': 26,
};

/** The extended result code, or the primary one where no more is known; nothing when SQLite did not say so. */
function resultOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SQLITE_ERROR') return undefined;
  return (error as SqliteFailure).errcode ?? TEXTS[error.message] ?? 1;
}

/** Did SQLite answer that another connection is in the way? Nothing was done then. */
export function isBusy(error: unknown): boolean {
  const result = resultOf(error);
  return result !== undefined && [BUSY, LOCKED].includes(result & 0xff);
}

/** Did a statement fail, and leave no trace, because a value that has to be unique is there already? */
export function isNotUnique(error: unknown): boolean {
  return resultOf(error) === CONSTRAINT_UNIQUE;
}

/** Turns an error of SQLite into one of delayer's. */
export function fromSqlite(error: unknown, label: string): DelayerError {
  if (error instanceof DelayerError) return error;
  const { message = String(error), systemErrno = 0 } = (error ?? {}) as SqliteFailure & { message?: string };
  const result = resultOf(error);
  if (result === undefined) return new DelayerError('internal', `${label}: ${message}`, { cause: error });
  const full = result === IOERR_SHMSIZE || OUT_OF_ROOM_NUMBERS.has(systemErrno);
  const found = RESULTS[full ? FULL : result & 0xff];
  if (!found) return new DelayerError('store_refused', `${label} answered: ${message}`, { cause: error });
  const [code, text, hint] = found;
  return new DelayerError(code, `${label} ${text}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Turns a failure to make or look at a file or folder into one of delayer's errors. */
export function fromSystem(error: unknown, what: string): DelayerError {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  if (OUT_OF_ROOM.has(code ?? '')) {
    return new DelayerError('store_full', `${what}: the disk is full`, { hint: MAKE_ROOM, cause: error });
  }
  const reason = REASONS[code ?? ''];
  if (reason?.[0] === 'config_invalid')
    return new DelayerError('config_invalid', `${what}: ${reason[1]}`, { hint: ANOTHER_FILE, cause: error });
  return new DelayerError('store_refused', `${what}: ${reason?.[1] ?? message ?? String(error)}`, {
    hint: `Check the owner and the mode of the file and its folder. ${ANOTHER_FILE}`,
    cause: error,
  });
}

const REASONS: Record<string, readonly [code: ErrorCode, message: string]> = {
  EACCES: ['store_refused', 'permission denied'],
  EPERM: ['store_refused', 'permission denied'],
  EROFS: ['store_refused', 'the file system is read-only'],
  ENOENT: ['config_invalid', 'no such file or directory'],
  ENOTDIR: ['config_invalid', 'a part of the path is not a folder'],
  EEXIST: ['config_invalid', 'a part of the path is not a folder'],
  ENAMETOOLONG: ['config_invalid', 'the path is too long'],
  ELOOP: ['config_invalid', 'too many symbolic links in the path'],
};

export function foreignFileError(file: string, found: string): DelayerError {
  return new DelayerError('config_invalid', `${file} is not a delayer store: ${found}`, {
    hint: ANOTHER_FILE,
  });
}

/** For a file that a newer delayer has written. */
export function tooNewError(file: string, version: number, known: number): DelayerError {
  return new DelayerError(
    'store_too_new',
    `${file} has version ${version} of the format, and this delayer knows ${known}`,
  );
}

/** For a file that a newer delayer has migrated while this process had it open. */
export function migratedError(label: string, version: number, known: number): DelayerError {
  return new DelayerError(
    'store_too_new',
    `${label} was migrated to version ${version} of the format while it was open, and this delayer knows ${known}`,
    { hint: 'Start this process again with the delayer that migrated it.' },
  );
}

export function networkFileError(file: string, type: string): DelayerError {
  return new DelayerError(
    'store_refused',
    `${file} is on a network file system (${type}), where processes cannot share it safely`,
    { hint: 'Name a file on a local disk. To share jobs between hosts, use Redis: redis://HOST.' },
  );
}
