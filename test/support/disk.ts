import { execFileSync } from 'node:child_process';

/**
 * Mounts a file system in memory on a folder, which only root can do.
 * @param options such as `size=8m`
 * @returns a function that unmounts it; undefined if it could not be mounted
 */
export function mountMemory(folder: string, options: string): (() => void) | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return () => {
    execFileSync('umount', ['-l', folder]);
  };
}
