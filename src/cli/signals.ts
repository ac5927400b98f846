import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { MAX_TIMER_MS } from '../core/timer.js';
import { isTerminal } from '../output/terminal.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndSignal = (typeof SIGNALS)[number] | 'SIGQUIT';

const STDIO = [0, 1, 2];

/**
 * The first signal aborts `signal`, so that the job in hand is finished. Where `abortAtSecond` was asked for, as drain
 * with handlers does, the second one aborts that. The next one ends the process at once, by that signal; what was in
 * hand then is ready again when its lease ends. A hang-up that was to be ignored when the process began is none.
 */
export class Interruption {
  private readonly controller = new AbortController();
  private second: AbortController | undefined;
  private last: EndSignal | undefined;
  private readonly listeners = new Map<EndSignal, () => void>();

  /** @param options `withQuit`: SIGQUIT, which leaves no time for anything otherwise, is one of them */
  constructor(options: { ignoreHangup?: () => void; withQuit?: boolean } = {}) {
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

  /** Aborts at the second signal, so that what is in hand can be ended and given back. */
  abortAtSecond(): AbortSignal {
    this.second ??= new AbortController();
    return this.second.signal;
  }

  /** The signal that came last, if one did. */
  get received(): EndSignal | undefined {
    return this.last;
  }

  /** Ends the work as a first signal does, without one. */
  abort(): void {
    this.controller.abort();
  }

  /** The same when so much time is over. */
  abortAfter(ms: number): void {
    if (ms <= MAX_TIMER_MS) setTimeout(() => this.abort(), ms).unref();
  }

  /** Gives the signals their usual meaning back. */
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
 * Ends the process by a signal when it has nothing more to do: a shell that ran it in a loop sees that, and
 * ends its loop, where it goes on after a mere exit code.
 */
export function endBySignal(name: EndSignal): void {
  process.exitCode = 128 + constants.signals[name];
  // Not before, for what else is to be done at the end would be left undone.
  process.once('exit', () => process.kill(process.pid, name));
}

function dieBy(name: EndSignal): void {
  process.kill(process.pid, name);
  // Process 1 of a container, which no signal of its own ends.
  process.exit(128 + constants.signals[name]);
}

/** Where a hang-up was to be ignored when the process began, it does not end a command that is at work. */
export function keepHangupIgnored(): void {
  if (isHangupIgnored()) process.on('SIGHUP', () => undefined);
}

/**
 * Node gives SIGHUP its usual meaning back before any script runs. That it was ignored shows in the parent,
 * which ignores it then as a rule, and in what nohup does: it leaves no terminal on stdin, stdout and stderr.
 * Without one of them nobody hangs up, either.
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
