import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  realpathSync,
  statfsSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  absentError,
  foreignFileError,
  longPathError,
  movedError,
  networkFileError,
  secondNameError,
  strayLogError,
} from './errors.js';
import { fromSystem, isAbsent, withoutInodes } from './system-errors.js';

/** Answers the type (`f_type` of statfs) of the file system of a folder. */
export type TypeOfFileSystem = (folder: string) => number;

export interface FilePlace {
  readonly file: string;
  /**
   * Is its folder delayer's own? Then it is created when absent, and both are for this user only. Otherwise the
   * folder has to exist, and the umask decides who may use the file.
   */
  readonly ownFolder: boolean;
  readonly typeOf: TypeOfFileSystem;
}

/** Network file systems, by the numbers that Linux gives them (statfs(2)). */
const NETWORK_FILE_SYSTEMS: Record<number, string> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x01021997: '9p',
  0x65735546: 'FUSE',
  0x5346414f: 'AFS',
  0x73757245: 'Coda',
  0x00c36400: 'Ceph',
  0x0bd00bd0: 'Lustre',
  0x47504653: 'GPFS',
};

export const askSystem: TypeOfFileSystem = (folder) => statfsSync(folder).type;

/**
 * Does the file exist, and can it be used? It is not opened here. An empty one, that no push has filled, counts as
 * absent: SQLite would write a database into it.
 * @throws DelayerError when it cannot be used, or when it is absent and so is its folder
 */
export function isThere(place: FilePlace): boolean {
  const { file, typeOf, ownFolder } = place;
  const folder = dirname(file);
  const found = look(file);
  assertShort(file, found);
  if (found === undefined) {
    // The folder is created together with the file.
    if (look(folder) === undefined) {
      if (ownFolder) return false;
      throw absentError(file, `there is no folder ${folder}`);
    }
    assertLocal(file, folder, typeOf);
    return false;
  }
  if (!found.isFile())
    throw foreignFileError(file, found.isDirectory() ? 'it is a folder' : 'it is not a file');
  assertOneName(file, found);
  assertLocal(file, folder, typeOf);
  assertWritable(file, folder);
  return found.size > 0 || existsSync(`${file}-wal`);
}

/**
 * Makes an empty file.
 * @returns false when it is there already
 * @throws DelayerError
 */
export function makeFile({ file, ownFolder, typeOf }: FilePlace): boolean {
  const folder = dirname(file);
  if (ownFolder) makeFolder(folder);
  assertLocal(file, folder, typeOf);
  assertNoStrayLog(file);
  try {
    // Only a new file may be opened and closed here, because closing any handle drops the locks of the whole
    // process.
    closeSync(openSync(file, 'wx', ownFolder ? 0o600 : 0o666));
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
      throw fromSystem(withoutInodes(error, folder), `${file} cannot be created`);
    if (look(file) === undefined) throw foreignFileError(file, 'it is a broken symbolic link');
    return false;
  }
}

/** The file that the path names now. */
export class FileIdentity {
  private readonly ino: number;
  private readonly dev: number;

  /** @throws DelayerError */
  constructor(
    private readonly file: string,
    private readonly label = `sqlite:${file}`,
  ) {
    const found = look(file);
    if (!found) throw movedError(label, 'deleted or renamed');
    this.ino = found.ino;
    this.dev = found.dev;
  }

  /** @throws DelayerError when the path names another file now, or none, or the file has a second name */
  assertSame(): void {
    const found = look(this.file);
    if (!found) throw movedError(this.label, 'deleted or renamed');
    if (found.ino !== this.ino || found.dev !== this.dev)
      throw movedError(this.label, 'replaced by another file');
    assertOneName(this.file, found);
  }
}

/**
 * Creates absent folders, and leaves existing ones as they are. One by one, because Node's `recursive` does not end
 * in a folder that takes no other (/proc).
 */
function makeFolder(folder: string): void {
  if (look(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it meanwhile.
    if (existsSync(folder)) return;
    throw fromSystem(error, `The folder ${folder} cannot be created`);
  }
}

function assertLocal(file: string, folder: string, typeOf: TypeOfFileSystem): void {
  let type;
  try {
    type = NETWORK_FILE_SYSTEMS[typeOf(folder)];
  } catch (error) {
    throw fromSystem(error, `The folder ${folder} cannot be used`);
  }
  if (type !== undefined) throw networkFileError(file, type);
}

/** SQLite takes no longer path (bytes) on Unix, without what it puts after it. */
const MOST_PATH_BYTES = 504;
/** The longest of what SQLite puts after the name. */
const LONGEST_END = '-journal';

/** SQLite would say no more than that it cannot open the file, and after a push an empty one would be left behind. */
function assertShort(file: string, found: Stats | undefined): void {
  const bytes = Buffer.byteLength(withoutLinks(file));
  if (bytes > MOST_PATH_BYTES && process.platform !== 'win32')
    throw longPathError(file, `its path has ${bytes} bytes, and SQLite takes ${MOST_PATH_BYTES} at most`);
  // One with something in it was made under another name, and needs no file with that end any more.
  if ((found?.size ?? 0) > 0) return;
  try {
    statSync(file + LONGEST_END, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') return;
    throw longPathError(file, `its name is too long, because SQLite puts ${LONGEST_END} after it`);
  }
}

/** The path as SQLite uses it; the path itself where its folder does not exist. */
function withoutLinks(file: string): string {
  for (const end of ['', basename(file)]) {
    try {
      return end === '' ? realpathSync(file) : join(realpathSync(dirname(file)), end);
    } catch {
      // It does not exist.
    }
  }
  return file;
}

/** SQLite would open a file that it may not write read-only, and fail at the first push. */
function assertWritable(file: string, folder: string): void {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw fromSystem(error, `${file} cannot be opened`);
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fromSystem(error, `${file} cannot be used, because SQLite keeps its log in the folder ${folder}`);
  }
}

/** A new file would be taken for the one that the log belongs to. */
function assertNoStrayLog(file: string): void {
  if (look(file) !== undefined || (look(`${file}-wal`)?.size ?? 0) === 0) return;
  // Another process may have created the store between the two looks.
  if (look(file) === undefined) throw strayLogError(file);
}

function assertOneName(file: string, { nlink }: Stats): void {
  if (nlink > 1) throw secondNameError(file, nlink);
}

/** Undefined when nothing has that name. */
function look(path: string): Stats | undefined {
  try {
    // Without `throwIfNoEntry`, because later versions of Node do not distinguish ENOTDIR then.
    return statSync(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fromSystem(error, `${path} cannot be read`);
  }
}
