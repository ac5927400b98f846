import { DelayerError, type ErrorCode } from '../../core/errors.js';

const BUSY = 5;
const LOCKED = 6;
const CANTOPEN = 14;
/** The index of the log could not be made longer: in practice the disk is full. */
const IOERR_SHMSIZE = 4874;

const ANOTHER_FILE = 'Name another file with --store sqlite:PATH, or DELAYER_STORE.';
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
  13: ['store_full', 'has no room left', MAKE_ROOM],
  [CANTOPEN]: [
    'store_refused',
    'cannot be opened',
    'Check the owner and the mode of the file and its folder.',
  ],
  26: ['store_corrupt', 'is no delayer store: the file is no SQLite database'],
};

const OUT_OF_ROOM = new Set(['ENOSPC', 'EDQUOT']);
/** The same two as numbers of Linux, as SQLite keeps them. */
const OUT_OF_ROOM_NUMBERS = new Set([28, 122]);

/** What the binding throws. `errcode` is an extended result code, its low byte the primary one. */
interface SqliteFailure {
  readonly errcode: number;
  readonly errstr?: string;
  readonly systemErrno?: number;
}

function isSqliteFailure(error: unknown): error is Error & SqliteFailure {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

/** Did SQLite answer that another connection is in the way? Nothing was done then. */
export function isBusy(error: unknown): boolean {
  return isSqliteFailure(error) && [BUSY, LOCKED].includes(error.errcode & 0xff);
}

/** Turns an error of SQLite into one of delayer's. */
export function fromSqlite(error: unknown, label: string): DelayerError {
  if (error instanceof DelayerError) return error;
  if (!isSqliteFailure(error)) {
    const { message } = (error ?? {}) as { message?: string };
    return new DelayerError('internal', `${label}: ${message ?? String(error)}`, { cause: error });
  }
  const full = error.errcode === IOERR_SHMSIZE || OUT_OF_ROOM_NUMBERS.has(error.systemErrno ?? 0);
  const found = RESULTS[full ? 13 : error.errcode & 0xff];
  if (!found) {
    return new DelayerError('store_refused', `${label} answered: ${error.errstr ?? error.message}`, {
      cause: error,
    });
  }
  const [code, message, hint] = found;
  return new DelayerError(code, `${label} ${message}`, {
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
  EACCES: ['store_refused', 'this user may not write there'],
  EPERM: ['store_refused', 'this user may not write there'],
  EROFS: ['store_refused', 'the file system is read-only'],
  ENOTDIR: ['config_invalid', 'a part of the path is no folder'],
  EEXIST: ['config_invalid', 'a part of the path is no folder'],
  ENAMETOOLONG: ['config_invalid', 'the path is too long'],
  ELOOP: ['config_invalid', 'the path leads in a circle'],
};

export function isNoStore(file: string, found: string): DelayerError {
  return new DelayerError('config_invalid', `${file} is no delayer store: ${found}`, { hint: ANOTHER_FILE });
}

export function isTooNew(file: string, version: number, known: number): DelayerError {
  return new DelayerError(
    'store_too_new',
    `${file} has version ${version} of the format, and this delayer knows ${known}`,
  );
}

export function isOnNetwork(file: string, type: string): DelayerError {
  return new DelayerError(
    'store_refused',
    `${file} is on a network file system (${type}), where processes cannot share it safely`,
    { hint: `${ANOTHER_FILE} To share jobs between hosts, use Redis: --store redis://HOST.` },
  );
}
