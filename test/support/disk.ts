import { execFileSync } from 'node:child_process';

/**
 * Mounts a file system in memory on a folder, which takes the superuser.
 * @param options `size=8m`
 * @returns what unmounts it; nothing where it could not be mounted
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
