import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Ending = (typeof SIGNALS)[number];

/**
 * The first signal aborts `signal`, so that the job in hand is finished; the second ends the process
 * at once, by that signal. Leases bring back what was in hand then.
 */
export class Interruption {
  private readonly controller = new AbortController();
  private caught: Ending | undefined;
  private readonly listeners = new Map<Ending, () => void>();

  constructor(options: { ignoreHangup?: () => void } = {}) {
    for (const name of SIGNALS) {
      const { ignoreHangup } = options;
      const listener = name === 'SIGHUP' && ignoreHangup ? ignoreHangup : () => this.interrupt(name);
      this.listeners.set(name, listener);
      process.on(name, listener);
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The exit code for having been ended so (128 + n), or nothing when no signal came. */
  get exitCode(): number | undefined {
    return this.caught && 128 + constants.signals[this.caught];
  }

  /** Gives the signals their usual meaning back. */
  release(): void {
    for (const [name, listener] of this.listeners) process.off(name, listener);
  }

  private interrupt(name: Ending): void {
    if (this.caught !== undefined) {
      this.release();
      process.kill(process.pid, name);
    }
    this.caught ??= name;
    this.controller.abort();
  }
}
