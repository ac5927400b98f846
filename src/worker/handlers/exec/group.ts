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

  /** Resolves when no process of the group is left. */
  async wait(): Promise<void> {
    while (signalGroup(this.group, 0) && !this.isHopeless) await sleep(LOOK_MS);
    clearTimeout(this.timer);
  }

  private get isHopeless(): boolean {
    return this.killedAtMs !== undefined && performance.now() - this.killedAtMs > AFTER_KILL_MS;
  }
}
