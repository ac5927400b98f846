import { statfsSync } from 'node:fs';

/**
 * How many bytes are free on the disk of a folder. Throws the system's error; not every file system reports it.
 */
export type FreeBytes = (folder: string) => number;

export const askDisk: FreeBytes = (folder) => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};
