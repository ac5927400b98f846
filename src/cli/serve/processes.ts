import { readFileSync } from 'node:fs';

/** Linux reports times in hundredths of a second, whatever the kernel counts in. */
const TICK_MS = 10;

/**
 * When a process began (ms since 1970). Undefined when it is not there or has ended; 0 when it runs and the system
 * does not say since when.
 */
export function startedAt(pid: number): number | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  try {
    // The name in brackets may contain anything; after the last bracket come the state and, 19 fields on, the start.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const [uptime] = readFileSync('/proc/uptime', 'latin1').split(' ');
    return Date.now() - Number(uptime) * 1000 + Number(fields[18]) * TICK_MS;
  } catch {
    return 0;
  }
}
