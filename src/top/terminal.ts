import { type Key, KeyParser } from './keys.js';
import { Screen } from './screen.js';
import type { Size } from './state.js';

/** The terminal as the process has it. */
export interface Tty {
  readonly size: () => Size;
  /** Resolves when all of it is on its way; rejects when the terminal is gone. */
  readonly write: (text: string) => Promise<void>;
  /** Writes before anything else happens; never throws. */
  readonly writeNow: (text: string) => void;
  /** Keys come one by one, unchanged and not shown, and no key is a signal. */
  readonly setRaw: (isRaw: boolean) => void;
  /** Calls back with what is typed; the function that it returns ends that. */
  readonly onInput: (input: (text: string) => void, ended: () => void) => () => void;
  readonly onResize: (resized: () => void) => () => void;
}

export interface TerminalListener {
  readonly onKey: (key: Key) => void;
  readonly onSize: (size: Size) => void;
  /** Nobody can type any more: the terminal is gone. */
  readonly onEnd: () => void;
}

const ALTERNATE_SCREEN = '\x1b[?1049h';
/** No cursor, the terminal breaks no line, and what is pasted is marked as such. */
const MODES = '\x1b[?25l\x1b[?7l\x1b[?2004h';
const LEAVE = '\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l';

/** After so long (ms) without more, Esc is the key, and no beginning of a sequence. Over a slow line it may be late. */
const ESCAPE_MS = 100;
/** A frame that is not out after so long (ms) stands in a line that nobody reads. */
const STUCK_MS = 3000;

/**
 * A terminal that shows frames and hears keys, and is given back as it was: by `leave`, when the process stops for a
 * while (SIGTSTP), when it ends, and before an error that nobody has caught is told.
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

  /** Gives the terminal back; for the last time, where it is not about to be taken over again. */
  readonly leave = (): void => {
    for (const undo of this.undo.splice(0)) undo();
    this.giveBack();
  };

  /** Shows lines; of those that come while the line is busy the last are shown. */
  draw(lines: readonly string[]): void {
    this.next = lines;
    if (this.writingSince === undefined) void this.write();
  }

  /** Shows all of the screen anew at the next frame. */
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
    // Asked for twice, the alternate screen would forget where the cursor was on the other.
    this.tty.writeNow(this.isEntered ? MODES : ALTERNATE_SCREEN + MODES);
    this.isEntered = true;
    this.tty.setRaw(true);
    this.screen.forget();
  }

  private giveBack(): void {
    clearTimeout(this.escape);
    if (!this.isEntered) return;
    this.isEntered = false;
    // To write, or to change modes, would wait for who reads; who does not read sees nothing, either.
    if (this.writingSince !== undefined && Date.now() - this.writingSince > STUCK_MS) return;
    this.tty.writeNow(`\x1b[${this.size.rows};1H${LEAVE}`);
    this.tty.setRaw(false);
  }

  /**
   * Sends a signal to all processes in front of the terminal, as it does itself where keys are signals. It is given back
   * before: a shell that hears of the signal takes it over at once.
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

  /** Stops as it would have without us, with the terminal given back. @param pid 0 for all in front of it */
  private stopBy(pid: number): void {
    this.giveBack();
    process.off('SIGTSTP', this.stop);
    process.kill(pid, 'SIGTSTP');
    // Where there is no shell to go back to, the signal stops nothing, and nothing will tell to go on.
    setImmediate(this.resume);
  }

  private readonly resume = (): void => {
    if (this.undo.length === 0) return;
    process.off('SIGTSTP', this.stop);
    process.on('SIGTSTP', this.stop);
    // A shell has set its own modes meanwhile, also where it was stopped in a way that nobody hears of.
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
