import { type Key, KeyParser } from './keys.js';
import { Screen } from './screen.js';
import type { Size } from './state.js';

/** The terminal of this process. */
export interface Tty {
  readonly size: () => Size;
  /** Resolves when everything is sent; rejects when the terminal is gone. */
  readonly write: (text: string) => Promise<void>;
  /** Writes synchronously; never throws. */
  readonly writeNow: (text: string) => void;
  /** Raw mode: keys come one by one, are not echoed, and send no signals. */
  readonly setRaw: (isRaw: boolean) => void;
  /** Calls back with what is typed; the returned function ends that. */
  readonly onInput: (input: (text: string) => void, ended: () => void) => () => void;
  readonly onResize: (resized: () => void) => () => void;
}

export interface TerminalListener {
  readonly onKey: (key: Key) => void;
  readonly onSize: (size: Size) => void;
  /** The terminal is gone, and nobody can type any more. */
  readonly onEnd: () => void;
}

const ALTERNATE_SCREEN = '\x1b[?1049h';
/** Hides the cursor, turns line wrap off, and marks pasted text. */
const MODES = '\x1b[?25l\x1b[?7l\x1b[?2004h';
const LEAVE = '\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l';

/**
 * If nothing follows Esc within so long (ms), it is the Esc key, and not the beginning of a sequence. A slow line
 * may need this long.
 */
const ESCAPE_MS = 100;
/** If a frame is not sent within so long (ms), nobody reads the terminal. */
const STUCK_MS = 3000;

/**
 * A terminal that shows frames and reads keys. It is restored by `leave`, when the process is stopped (SIGTSTP),
 * when it ends, and before an uncaught error is printed.
 */
export class Terminal {
  private readonly screen = new Screen();
  private readonly parser = new KeyParser();
  private readonly undo: (() => void)[] = [];
  private isEntered = false;
  private lastSize: Size;
  private escape: NodeJS.Timeout | undefined;
  private next: readonly string[] | undefined;
  private writingSince: number | undefined;

  constructor(
    private readonly tty: Tty,
    private readonly listener: TerminalListener,
  ) {
    this.lastSize = tty.size();
  }

  get size(): Size {
    return this.lastSize;
  }

  enter(): void {
    this.listen('exit', this.leave);
    this.listen('uncaughtExceptionMonitor', this.leave);
    this.listen('SIGTSTP', this.stop);
    this.listen('SIGCONT', this.resume);
    this.undo.push(this.tty.onResize(this.resized));
    this.takeOver();
    this.undo.push(this.tty.onInput(this.typed, this.listener.onEnd));
  }

  /** Restores the terminal; finally, unless it is taken over again at once. */
  readonly leave = (): void => {
    for (const undo of this.undo.splice(0)) undo();
    this.giveBack();
  };

  /** Shows lines; while the line is busy, only the last frame is kept. */
  draw(lines: readonly string[]): void {
    this.next = lines;
    if (this.writingSince === undefined) void this.write();
  }

  /** Draws the whole screen with the next frame. */
  forget(): void {
    this.screen.forget();
  }

  private async write(): Promise<void> {
    try {
      while (this.next && this.isEntered) {
        const text = this.screen.draw(this.next, this.size);
        this.next = undefined;
        this.writingSince = Date.now();
        if (text !== '') await this.tty.write(text);
      }
    } catch {
      this.listener.onEnd();
    } finally {
      this.writingSince = undefined;
    }
  }

  private listen(event: NodeJS.Signals | 'exit' | 'uncaughtExceptionMonitor', listener: () => void): void {
    process.on(event as 'exit', listener);
    this.undo.push(() => process.off(event, listener));
  }

  private takeOver(): void {
    // Switching to the alternate screen twice would forget where the cursor was on the other.
    this.tty.writeNow(this.isEntered ? MODES : ALTERNATE_SCREEN + MODES);
    this.isEntered = true;
    this.tty.setRaw(true);
    this.screen.forget();
  }

  private giveBack(): void {
    clearTimeout(this.escape);
    if (!this.isEntered) return;
    this.isEntered = false;
    // Writing or changing modes would wait for a reader, and there is none.
    if (this.writingSince !== undefined && Date.now() - this.writingSince > STUCK_MS) return;
    this.tty.writeNow(`\x1b[${this.size.rows};1H${LEAVE}`);
    this.tty.setRaw(false);
  }

  /**
   * Sends a signal to all foreground processes of the terminal, as the terminal itself does when keys send signals.
   * The terminal is restored before, because a shell takes it over as soon as it notices the signal.
   */
  signal(name: 'SIGINT' | 'SIGQUIT' | 'SIGTSTP'): void {
    if (name === 'SIGTSTP') {
      this.stopBy(0);
    } else {
      this.leave();
      process.kill(0, name);
    }
  }

  private readonly stop = (): void => this.stopBy(process.pid);

  /** Stops as a process without a handler would, with the terminal restored; `pid` 0 is all foreground processes. */
  private stopBy(pid: number): void {
    this.giveBack();
    process.off('SIGTSTP', this.stop);
    process.kill(pid, 'SIGTSTP');
    // Without a shell to go back to, the signal stops nothing, and no SIGCONT will come.
    setImmediate(this.resume);
  }

  private readonly resume = (): void => {
    if (this.undo.length === 0) return;
    process.off('SIGTSTP', this.stop);
    process.on('SIGTSTP', this.stop);
    // A shell has set its own modes meanwhile, also when the process was stopped by a signal that cannot be handled.
    if (this.isEntered) this.tty.setRaw(false);
    this.takeOver();
    this.resized();
  };

  private readonly resized = (): void => {
    this.lastSize = this.tty.size();
    this.screen.forget();
    this.listener.onSize(this.lastSize);
  };

  private readonly typed = (text: string): void => {
    clearTimeout(this.escape);
    this.tell(this.parser.feed(text));
    if (!this.parser.isWaiting) return;
    this.escape = setTimeout(() => {
      this.tell(this.parser.flush());
    }, ESCAPE_MS);
  };

  private tell(keys: readonly Key[]): void {
    for (const key of keys) this.listener.onKey(key);
  }
}
