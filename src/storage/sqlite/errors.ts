import { DelayerError, type ErrorCode } from '../../core/errors.js';
import {
  ANOTHER_FILE,
  fromSystem,
  isAbsent,
  isAtSizeLimit,
  MAKE_ROOM,
  systemReason,
} from './system-errors.js';

const ERROR = 1;
const BUSY = 5;
const LOCKED = 6;
const FULL = 13;
const CANTOPEN = 14;
const CONSTRAINT = 19;
const CONSTRAINT_UNIQUE = 2067;
/** The file was moved away while it was open. */
const READONLY_DBMOVED = 1032;
/** The index of the log could not grow: usually the disk is full. */
const IOERR_SHMSIZE = 4874;

type Sentence = readonly [code: ErrorCode, message: string, hint?: string];

/** SQLite's primary result codes, as https://sqlite.org/rescode.html numbers them. */
const RESULTS: Record<number, Sentence> = {
  [BUSY]: [
    'store_busy',
    'is busy: other processes kept writing to it',
    'Try again; `fuser FILE` shows which processes have it open.',
  ],
  [LOCKED]: ['store_busy', 'is locked'],
  7: ['store_refused', 'is out of memory', 'Free some memory.'],
  8: ['store_refused', 'cannot be written', 'Check the owner and the mode of the file and its folder.'],
  10: ['store_refused', 'met a disk I/O error', 'Check the disk and the system log.'],
  11: ['store_corrupt', 'is damaged'],
  [FULL]: ['store_full', 'has no space left', MAKE_ROOM],
  [CANTOPEN]: [
    'store_refused',
    'cannot be opened',
    'Check the owner and the mode of the file and its folder.',
  ],
  15: ['store_busy', 'is busy: other processes kept changing its lock', 'Try again.'],
  [CONSTRAINT]: ['store_corrupt', 'has a row that delayer did not write'],
  20: ['store_corrupt', 'has a row that delayer did not write'],
  22: ['store_refused', 'is too large for its file system', ANOTHER_FILE],
  26: [
    'store_corrupt',
    'is not a delayer store: the file is not an SQLite database, or an encrypted one',
    ANOTHER_FILE,
  ],
};

/** Errors for which SQLite knows that the system refused, but not why. */
const FOR_SYSTEM_REASONS = new Set([8, 10, CANTOPEN]);

/**
 * An error of the binding. `errcode` is an extended result code whose low byte is the primary one; errors of `all()`
 * of `@photostructure/sqlite` have only SQLite's text for it.
 */
interface SqliteFailure {
  readonly errcode?: number;
  readonly systemErrno?: number;
}

/** https://sqlite.org/c3ref/errcode.html, `sqlite3_errstr()` */
const TEXTS: Record<string, number> = {
  'database is locked': BUSY,
  'database table is locked': LOCKED,
  'out of memory': 7,
  'attempt to write a readonly database': 8,
  'disk I/O error': 10,
  'database disk image is malformed': 11,
  'database or disk is full': FULL,
  'unable to open database file': CANTOPEN,
  'file is not a database': 26,
};

/**
 * The extended result code, or the primary one if that is all that is known; undefined when the error is not
 * SQLite's.
 */
function resultOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SQLITE_ERROR') return undefined;
  return (error as SqliteFailure).errcode ?? TEXTS[error.message] ?? ERROR;
}

const isResult = (error: unknown, ...primary: number[]): boolean => {
  const result = resultOf(error);
  return result !== undefined && primary.includes(result & 0xff);
};

/** Did SQLite answer that another connection is in the way? Then nothing was done. */
export function isBusy(error: unknown): boolean {
  return isResult(error, BUSY, LOCKED);
}

/** Did a statement fail, without effect, because a unique value is there already? */
export function isNotUnique(error: unknown): boolean {
  return resultOf(error) === CONSTRAINT_UNIQUE;
}

/** The binding's message for a number in the file that JavaScript cannot hold. */
export function strangeNumber(): Error {
  return Object.assign(new RangeError('a number that no delayer wrote'), { code: 'ERR_OUT_OF_RANGE' });
}

/**
 * Did a statement fail because of a value in the file that no delayer wrote? Examples: a number that JavaScript
 * cannot hold, one that overflowed by adding to it, or text instead of JSON.
 */
export function isStrangeValue(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE') return true;
  if (isResult(error, CONSTRAINT, 20)) return true;
  return (
    isResult(error, ERROR) &&
    /malformed JSON|integer overflow|too large to be represented/.test((error as Error).message)
  );
}

/** Turns an error of SQLite about a file into an error of delayer. */
export function fromSqlite(error: unknown, label: string, file: string): DelayerError {
  if (error instanceof DelayerError) return error;
  const { message = String(error), systemErrno = 0 } = (error ?? {}) as SqliteFailure & { message?: string };
  const result = resultOf(error);
  if (result === undefined) {
    if (isAbsent(error)) return movedError(label, 'deleted or renamed');
    if (error instanceof Error && 'syscall' in error) return fromSystem(error, `${label} cannot be used`);
    if (isStrangeValue(error))
      return new DelayerError('store_corrupt', `${label} has a row that delayer did not write`, {
        cause: error,
      });
    return new DelayerError('internal', `${label}: ${message}`, { cause: error });
  }
  if (result === READONLY_DBMOVED) return movedError(label, 'deleted or renamed');
  const primary = result === IOERR_SHMSIZE ? FULL : result & 0xff;
  const found = RESULTS[primary];
  if (!found) {
    if (/^no such (table|column)/.test(message))
      return new DelayerError('store_corrupt', `${label} lacks the tables of a store: ${message}`, {
        cause: error,
      });
    return new DelayerError('store_refused', `${label} answered: ${message}`, { cause: error });
  }
  const [code, text, hint] = found;
  const isCutShort = primary === FULL && isAtSizeLimit(file);
  const reason = FOR_SYSTEM_REASONS.has(primary) ? systemReason(file, systemErrno) : undefined;
  if (isCutShort || reason) {
    const told = isCutShort
      ? fromSystem({ code: 'EFBIG' }, `${label} cannot be written`)
      : fromSystem(reason, `${label} ${text}`);
    return new DelayerError(told.code, told.message, { hint: told.hint, cause: error });
  }
  return new DelayerError(code, `${label} ${text}`, { cause: error, hint });
}

/** Is there no room on the disk for what was to be written? */
export function isFull(error: unknown): error is DelayerError {
  return error instanceof DelayerError && error.code === 'store_full';
}

export function foreignFileError(file: string, found: string): DelayerError {
  return new DelayerError('config_invalid', `${file} is not a delayer store: ${found}`, {
    hint: ANOTHER_FILE,
  });
}

export function longPathError(file: string, why: string): DelayerError {
  return new DelayerError('config_invalid', `${file} cannot be used: ${why}`, {
    hint: 'Name a file with a shorter path.',
  });
}

/** The error where a log stands beside an absent or empty file: of the one that had this name before. */
export function strayLogError(file: string): DelayerError {
  return new DelayerError(
    'config_invalid',
    `${file} cannot be used: ${file}-wal is the log of another database, which was deleted or renamed`,
    {
      hint: `If it was renamed, rename it back: its latest jobs may be in the log. Else delete ${file}-wal and ${file}-shm.`,
    },
  );
}

/** The error for a store that was named and does not exist. */
export function absentError(file: string, what = 'there is no such file'): DelayerError {
  return new DelayerError('store_absent', `sqlite:${file} does not exist: ${what}`);
}

/** The error when the path does not name the opened file any more. */
export function movedError(label: string, how: string): DelayerError {
  return new DelayerError('store_moved', `${label} was ${how} while it was open`);
}

/** Under a second name SQLite keeps a second log beside the file, and two logs destroy it. */
export function secondNameError(file: string, names: number): DelayerError {
  return new DelayerError('store_refused', `${file} has ${names} hard links, and may have only one`, {
    hint: 'Delete the other link, or copy the file instead: processes that open a file by different names destroy it.',
  });
}

/** The error for a file that a newer delayer has written. */
export function tooNewError(file: string, version: number, known: number): DelayerError {
  return new DelayerError(
    'store_too_new',
    `${file} has version ${version} of the format, and this version of delayer supports ${known}`,
  );
}

/** The error for a file that a newer delayer has migrated while this process had it open. */
export function migratedError(label: string, version: number, known: number): DelayerError {
  return new DelayerError(
    'store_too_new',
    `${label} was migrated to version ${version} of the format while it was open, and this version of delayer supports ${known}`,
    { hint: 'Restart this process with the version of delayer that migrated it.' },
  );
}

export function networkFileError(file: string, type: string): DelayerError {
  return new DelayerError(
    'store_refused',
    `${file} is on a network file system (${type}), where processes cannot share it safely`,
    { hint: 'Name a file on a local disk. To share jobs between hosts, use Redis: redis://HOST.' },
  );
}
