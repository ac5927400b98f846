import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** An environment variable; one that is empty is not set. */
export function setting(name: string): string | undefined {
  return process.env[name] === '' ? undefined : process.env[name];
}

/** A folder of the user's, or undefined where there is no home. */
export function userFolder(name: string, ...inHome: string[]): string | undefined {
  const set = setting(name);
  // The XDG specification says to ignore relative paths.
  if (set !== undefined && isAbsolute(set)) return join(set, 'delayer');
  const home = homeFolder();
  return home && join(home, ...inHome, 'delayer');
}

/** Undefined where HOME is empty, or not set for a user without an entry in passwd, as in a container. */
export function homeFolder(): string | undefined {
  try {
    return isAbsolute(homedir()) ? homedir() : undefined;
  } catch {
    return undefined;
  }
}
