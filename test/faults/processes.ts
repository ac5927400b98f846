import { readdirSync, readFileSync } from 'node:fs';

/** The state of a process, such as `T` (stopped) or `Z` (zombie); undefined if there is no such process. */
export function processState(pid: string | number): string | undefined {
  return field(pid, 'State')?.[0];
}

/** A field of /proc/PID/status. */
export function field(pid: string | number, name: string): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
  } catch {
    return undefined;
  }
}

export const processes = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

/** The processes with this text in their environment, without zombies. */
export function processesWith(mark: string): string[] {
  return processes().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
}
