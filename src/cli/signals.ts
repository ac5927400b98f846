import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type EndSignal = (typeof SIGNALS)[number];

/**
 * The first signal aborts `signal`, so that the job in hand is finished; the second ends the process at
 * once, by that signal. What was in hand then is ready again when its lease ends.
 */
export class Interruption {
  private readonly controller = new AbortController();
  private received: EndSignal | undefined;
  private readonly listeners = new Map<EndSignal, () => void>();

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

  /** The exit code of a process that a signal ended (128 + n), or nothing when no signal came. */
  get exitCode(): number | undefined {
    return this.received && 128 + constants.signals[this.received];
  }

  /** Gives the signals their usual meaning back. */
  release(): void {
    for (const [name, listener] of this.listeners) process.off(name, listener);
  }

  private interrupt(name: EndSignal): void {
    if (this.received !== undefined) {
      this.release();
      process.kill(process.pid, name);
    }
    this.received ??= name;
    this.controller.abort();
  }
}
