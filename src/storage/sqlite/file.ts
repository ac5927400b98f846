import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { foreignFileError, fromSystem, networkFileError } from './errors.js';

/** Says of which type (`f_type` of statfs) the file system of a folder is. */
export type TypeOfFileSystem = (folder: string) => number;

/** File systems of other hosts, by the numbers that Linux gives them (statfs(2)). */
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

const askSystem: TypeOfFileSystem = (folder) => statfsSync(folder).type;

/**
 * Makes sure that the file exists and can be used, and reads nothing of it. A missing folder is created
 * for this user alone, and so is a missing file, empty.
 * @returns true when the file is new
 * @throws DelayerError `config_invalid`, `store_refused`, `store_full`
 */
export function prepareFile(file: string, typeOf: TypeOfFileSystem = askSystem): boolean {
  const folder = dirname(file);
  makeFolder(folder);
  assertLocal(file, folder, typeOf);
  if (makeFile(file)) return true;
  assertUsable(file, folder);
  return false;
}

/**
 * Makes what is absent, and leaves a folder that is there as it is. One by one, for Node's `recursive`
 * never ends where a folder that is there takes no other (/proc).
 */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster.
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

/** Only a new file may be opened and closed here: closing any handle ends the locks of the whole process on it. */
function makeFile(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw fromSystem(error, `${file} cannot be created`);
  }
}

/** SQLite would open what it may not write for reading, and fail at the first push only. */
function assertUsable(file: string, folder: string): void {
  try {
    if (!statSync(file).isFile()) throw foreignFileError(file, 'it is not a file');
    accessSync(file, constants.R_OK | constants.W_OK);
    // SQLite keeps its log beside the file.
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'syscall' in error) {
      throw fromSystem(error, `${file} cannot be opened`);
    }
    throw error;
  }
}

/** In bytes; 0 when it is absent. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The first bytes of a file, or undefined when it has not so many. */
export function readHeader(file: string, bytes: number): Buffer | undefined {
  const header = Buffer.alloc(bytes);
  const handle = openSync(file, 'r');
  try {
    return readSync(handle, header, 0, bytes, 0) === bytes ? header : undefined;
  } finally {
    closeSync(handle);
  }
}
