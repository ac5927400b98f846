import { statfsSync } from 'node:fs';

/**
 * How many bytes are free on the disk of a folder. Throws the system's error; not every file system reports it.
 */
export type FreeBytes = (folder: string) => number;

/** With fewer bytes free a push fails. */
export const FULL_BYTES = 2 * 1024 * 1024;

export const askDisk: FreeBytes = (folder) => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};
