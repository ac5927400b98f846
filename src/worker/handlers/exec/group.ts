import { readdirSync, readFileSync } from 'node:fs';
import { sleep } from '../../../core/timer.js';

/** How often (ms) it is checked whether a process group is gone. */
const LOOK_MS = 20;
/** After SIGKILL, processes that the system has not removed yet are waited for no longer than this (ms). */
const AFTER_KILL_MS = 1000;

/**
 * Sends a signal to all processes of a group; 0 sends none.
 * @returns whether there is one
 */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    // The group belongs to another user by now.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Is a process of the group left that runs? As process 1 this one inherits what handlers leave behind, and Node reaps
 * only its own children: the others stay as zombies, which hold no resources.
 */
function isRunning(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  return process.pid !== 1 || processesOf(group).some((state) => state !== 'Z');
}

/** The states of the processes of a group, by proc(5). */
function processesOf(group: number): string[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The name of the program, in brackets, may contain anything.
      const [state = '', , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(itsGroup) === group ? [state] : [];
    } catch {
      return [];
    }
  });
}

/** Tells a process group to end (TERM), and kills it if it has not after a while. */
export class GroupEnd {
  private readonly timer: NodeJS.Timeout;
  private killedAtMs: number | undefined;

  constructor(
    private readonly group: number,
    killAfterMs: number,
  ) {
    signalGroup(group, 'SIGTERM');
    this.timer = setTimeout(() => {
      this.killedAtMs = performance.now();
      signalGroup(group, 'SIGKILL');
    }, killAfterMs);
  }

  /** Resolves when no process of the group runs. */
  async wait(): Promise<void> {
    while (isRunning(this.group) && !this.isHopeless) await sleep(LOOK_MS);
    clearTimeout(this.timer);
  }

  private get isHopeless(): boolean {
    return this.killedAtMs !== undefined && performance.now() - this.killedAtMs > AFTER_KILL_MS;
  }
}
