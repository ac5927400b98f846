import { statfsSync } from 'node:fs';

/** How much is free on the disk of a folder (bytes). It throws what the system does: not every file system says so. */
export type FreeBytes = (folder: string) => number;

export const askDisk: FreeBytes = (folder) => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};
