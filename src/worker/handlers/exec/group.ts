import { readdirSync, readFileSync } from 'node:fs';
import { sleep } from '../../../core/timer.js';

/** How often (ms) it is checked whether a process group is gone. */
const LOOK_MS = 20;
/** After so many of these looks, and again after as many, it is checked whether only zombies are left. */
const LOOKS_BETWEEN = 5;
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
 * Are all processes of the group zombies? Those that a handler leaves behind belong to process 1 when it ends, which
 * may be this one, or another that does not reap them. They hold nothing but their number.
 * @returns false where the system has no proc(5)
 */
function areZombies(group: number): boolean {
  try {
    return readdirSync('/proc').every((name) => {
      const [state, itsGroup] = /^\d+$/.test(name) ? readState(name) : [];
      return itsGroup !== group || state === 'Z';
    });
  } catch {
    return false;
  }
}

/** The state of a process and its group; `[]` when it has gone. */
function readState(pid: string): [string, number] | [] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in brackets, may contain anything.
    const [state = '', , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return [state, Number(group)];
  } catch {
    return [];
  }
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
    for (let look = 1; signalGroup(this.group, 0) && !this.isHopeless; look += 1) {
      if (look % LOOKS_BETWEEN === 0 && areZombies(this.group)) break;
      await sleep(LOOK_MS);
    }
    clearTimeout(this.timer);
  }

  private get isHopeless(): boolean {
    return this.killedAtMs !== undefined && performance.now() - this.killedAtMs > AFTER_KILL_MS;
  }
}
