import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { realpathSync, statfsSync, statSync } from 'node:fs';
import { constants as osConstants, devNull } from 'node:os';
import { dirname } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { DelayerError, type ErrorCode } from '../../core/errors.js';

/** What the system said, in words, with the code that people search for. */
interface Sentence {
  readonly code: ErrorCode;
  readonly text: string;
  readonly hint: string;
}

export const ANOTHER_FILE = 'Name another file.';
export const MAKE_ROOM = 'Make room on that disk, then try again; what was pushed before is safe.';
/** In place of the code ENOSPC, where it is not bytes that the disk lacks. */
const NO_INODES = 'ENOSPC_INODES';
const OWNER_AND_MODE = 'Check the owner and the mode of the file and its folder.';

const SENTENCES: Partial<Record<string, Sentence>> = {
  ENOSPC: { code: 'store_full', text: 'the disk is full (ENOSPC)', hint: MAKE_ROOM },
  [NO_INODES]: {
    code: 'store_full',
    text: 'the disk has no free inodes (ENOSPC)',
    hint: 'Delete some files on that disk, then try again; what was pushed before is safe.',
  },
  EDQUOT: { code: 'store_full', text: 'disk quota exceeded (EDQUOT)', hint: MAKE_ROOM },
  EFBIG: {
    code: 'store_full',
    text: 'file too large (EFBIG)',
    hint: 'Raise the limit on the size of files (ulimit -f), then try again; what was pushed before is safe.',
  },
  EMFILE: {
    code: 'store_refused',
    text: 'too many open files in this process (EMFILE)',
    hint: 'Raise its limit (ulimit -n), or let it open fewer.',
  },
  ENFILE: {
    code: 'store_refused',
    text: 'too many open files on this machine (ENFILE)',
    hint: 'Raise its limit (fs.file-max), or close some.',
  },
  ENOMEM: { code: 'store_refused', text: 'the machine is out of memory (ENOMEM)', hint: 'Free some memory.' },
  EACCES: { code: 'store_refused', text: 'permission denied', hint: OWNER_AND_MODE },
  EPERM: { code: 'store_refused', text: 'permission denied', hint: OWNER_AND_MODE },
  EROFS: {
    code: 'store_refused',
    text: 'the file system is read-only (EROFS)',
    hint: 'Name a file on another one, or mount it for writing.',
  },
  EIO: {
    code: 'store_refused',
    text: 'the disk failed (EIO)',
    hint: 'Check the disk and the system log.',
  },
  ENOENT: { code: 'config_invalid', text: 'no such file or directory', hint: ANOTHER_FILE },
  ENOTDIR: { code: 'config_invalid', text: 'a part of the path is not a folder', hint: ANOTHER_FILE },
  EEXIST: { code: 'config_invalid', text: 'a part of the path is not a folder', hint: ANOTHER_FILE },
  EISDIR: { code: 'config_invalid', text: 'it is a folder', hint: ANOTHER_FILE },
  ENAMETOOLONG: { code: 'config_invalid', text: 'the path is too long', hint: ANOTHER_FILE },
  ELOOP: { code: 'config_invalid', text: 'too many symbolic links in the path', hint: ANOTHER_FILE },
};

/** Turns the system's answer about a file or folder into an error of delayer. */
export function fromSystem(error: unknown, what: string): DelayerError {
  const { code = '', message } = (error ?? {}) as { code?: string; message?: string };
  const sentence = SENTENCES[code];
  if (sentence)
    return new DelayerError(sentence.code, `${what}: ${sentence.text}`, {
      hint: sentence.hint,
      cause: error,
    });
  return new DelayerError('store_refused', `${what}: ${message ?? String(error)}`, { cause: error });
}

/** Did the system say that there is no such file? */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** How many inodes the disk lacks for the files that SQLite adds beside the file; 0 where it has enough. */
export function missingInodes(file: string): number {
  try {
    const real = realpathSync(file);
    const toMake = ['-wal', '-shm'].filter((end) => !existsSync(real + end));
    return Math.max(0, toMake.length - freeInodes(dirname(real)));
  } catch {
    return 0;
  }
}

/** The system's answer to the creation of a file, with the cause where that is a lack of inodes. */
export function withoutInodes(error: unknown, folder: string): unknown {
  const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  return isFull && freeInodes(folder) === 0 ? Object.assign(new Error(), { code: NO_INODES }) : error;
}

/** Infinity where the file system makes them as it needs them, or does not tell. */
function freeInodes(folder: string): number {
  try {
    const { files, ffree } = statfsSync(folder);
    return files === 0 ? Infinity : ffree;
  } catch {
    return Infinity;
  }
}

/**
 * Why SQLite could not open, read or write a file, if it gives the system's error number, or if the system gives
 * this process the same answer; undefined when all seems well.
 */
export function systemReason(file: string, errno = 0): Error | undefined {
  // For a file that it could not create beside this one SQLite tells ENOENT, whatever the reason was.
  const isBeside =
    errno === osConstants.errno.ENOENT && statSync(file, { throwIfNoEntry: false }) !== undefined;
  if (errno !== 0 && !isBeside) return Object.assign(new Error(), { code: nameOf(errno) });
  const folder = dirname(file);
  // The file itself is not opened here, because closing it would drop the locks of this process on it.
  const looks = [
    () => {
      closeSync(openSync(devNull, 'r'));
    },
    () => statSync(file),
    () => {
      accessSync(file, constants.R_OK | constants.W_OK);
    },
    () => {
      accessSync(folder, constants.W_OK | constants.X_OK);
    },
    () => {
      if (missingInodes(file) > 0) throw Object.assign(new Error(), { code: NO_INODES });
    },
    () => {
      if (statfsSync(folder).bavail === 0) throw Object.assign(new Error(), { code: 'ENOSPC' });
    },
  ];
  for (const look of looks) {
    try {
      look();
    } catch (error) {
      return error as Error;
    }
  }
  return undefined;
}

/** SQLite makes the index of its log longer by so many bytes, and the other files by less. */
const MOST_GROWTH_BYTES = 32_768;

/**
 * Is a file of the store so long that growing would pass this process's limit on the size of files (`ulimit -f`)?
 * SQLite takes a write that the limit cut short for a full disk. False where the limit is not known.
 */
export function isAtSizeLimit(file: string): boolean {
  const mostBytes = fileSizeLimit();
  if (mostBytes === undefined) return false;
  return ['', '-wal', '-shm'].some((suffix) => {
    const { size = 0 } = statSync(file + suffix, { throwIfNoEntry: false }) ?? {};
    return size + MOST_GROWTH_BYTES > mostBytes;
  });
}

/** In bytes; undefined when there is none, and on systems other than Linux. */
function fileSizeLimit(): number | undefined {
  try {
    const [, soft] = /^Max file size\s+(\d+)\s/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

function nameOf(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return '';
  }
}
