import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { MAX_TIMER_MS } from '../core/timer.js';
import { isTerminal } from '../output/terminal.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndSignal = (typeof SIGNALS)[number] | 'SIGQUIT';

const STDIO = [0, 1, 2];

/**
 * The first signal aborts `signal`, so that the job in hand is finished. If `abortAtSecond` was called, as drain
 * with handlers does, the second signal aborts that. The next one ends the process at once, by that signal; jobs
 * that were in hand are ready again when their leases end. SIGHUP does nothing if it was ignored when the process
 * began, as under nohup.
 */
export class Interruption {
  private readonly controller = new AbortController();
  private second: AbortController | undefined;
  private last: EndSignal | undefined;
  private readonly listeners = new Map<EndSignal, () => void>();

  /**
   * @param options `withQuit`: SIGQUIT counts as such a signal, too; otherwise it ends the process at once
   */
  constructor(options: { ignoreHangup?: () => void; withQuit?: boolean } = {}) {
    ignoreDebugSignal();
    const ignoreHangup = options.ignoreHangup ?? (isHangupIgnored() ? () => undefined : undefined);
    for (const name of options.withQuit === true ? ([...SIGNALS, 'SIGQUIT'] as const) : SIGNALS) {
      const listener = name === 'SIGHUP' && ignoreHangup ? ignoreHangup : () => this.interrupt(name);
      this.listeners.set(name, listener);
      process.on(name, listener);
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Aborts at the second signal, so that handlers can be stopped and their jobs given back. */
  abortAtSecond(): AbortSignal {
    this.second ??= new AbortController();
    return this.second.signal;
  }

  /** Has a second signal come? */
  get isSecond(): boolean {
    return this.second?.signal.aborted === true;
  }

  /** The signal that came last, if one did. */
  get received(): EndSignal | undefined {
    return this.last;
  }

  /** Ends the work as a first signal does. */
  abort(): void {
    this.controller.abort();
  }

  /** Ends the work after so much time. */
  abortAfter(ms: number): void {
    if (ms <= MAX_TIMER_MS) setTimeout(() => this.abort(), ms).unref();
  }

  /** Restores the default meaning of the signals. */
  release(): void {
    for (const [name, listener] of this.listeners) process.off(name, listener);
  }

  private interrupt(name: EndSignal): void {
    const isFirst = this.last === undefined;
    this.last = name;
    if (isFirst) {
      this.controller.abort();
    } else if (this.second?.signal.aborted === false) {
      this.second.abort();
    } else {
      this.release();
      dieBy(name);
    }
  }
}

/**
 * Makes the process die by this signal when it has nothing more to do. A shell that runs it in a loop then ends the
 * loop; after a mere exit code it would go on.
 */
export function endBySignal(name: EndSignal): void {
  process.exitCode = 128 + constants.signals[name];
  // At the exit event, so that everything before it is still done.
  process.once('exit', () => process.kill(process.pid, name));
}

/** Ends the process though something is still being written, and by the signal that was given to `endBySignal`. */
export function endAtOnce(): void {
  process.exit();
}

function dieBy(name: EndSignal): void {
  process.kill(process.pid, name);
  // Process 1 of a container is not ended by its own signals.
  process.exit(128 + constants.signals[name]);
}

/**
 * SIGUSR1 opens Node's debugger on a port, where any user of the machine may then run code in this process. A listener
 * prevents that (`--disable-sigusr1` only in later versions of Node); it keeps no process alive.
 */
export function ignoreDebugSignal(): void {
  if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => undefined);
}

/** If SIGHUP was ignored when the process began, it does not end a command that is at work. */
export function keepHangupIgnored(): void {
  if (isHangupIgnored()) process.on('SIGHUP', () => undefined);
}

/**
 * Node restores the default of SIGHUP before any script runs. That it was ignored can only be guessed: the parent
 * ignores it then as a rule, and nohup leaves no terminal on stdin, stdout and stderr. Without a terminal on one of
 * them there is no hang-up, either.
 */
function isHangupIgnored(): boolean {
  return !STDIO.some(isTerminal) || parentIgnoresHangup();
}

function parentIgnoresHangup(): boolean {
  try {
    const [, ignored = ''] =
      /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${process.ppid}/status`, 'latin1')) ?? [];
    const lastBits = parseInt(ignored.slice(-1), 16);
    return (lastBits & (1 << (constants.signals.SIGHUP - 1))) !== 0;
  } catch {
    return false; // There is no /proc.
  }
}
