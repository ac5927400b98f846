import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monotonicMs } from '../../core/timer.js';

/**
 * Sends the daemon's status to systemd through `systemd-notify`, because Node cannot send to its socket. Does
 * nothing unless systemd asked for it.
 */
export class Notifier {
  private toldAtMs = monotonicMs();
  private hasFailed = false;
  private told = Promise.resolve();

  private constructor(
    /** systemd's watchdog expects a message within this time (ms); Infinity when it has none. */
    private readonly watchdogMs: number,
    private readonly onFailure: (reason: string) => void,
  ) {}

  /** Undefined when this process is no service that reports to systemd. */
  static open(onFailure: (reason: string) => void): Notifier | undefined {
    const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
    if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return undefined;
    const isWatched = WATCHDOG_PID === undefined || WATCHDOG_PID === `${process.pid}`;
    const watchdogMs = Number(WATCHDOG_USEC) / 1000;
    return new Notifier(isWatched && watchdogMs > 0 ? watchdogMs : Infinity, onFailure);
  }

  /** How often (ms) `alive` has to be called at least. */
  get everyMs(): number {
    return this.watchdogMs / 3;
  }

  ready(status: string): void {
    this.tell('READY=1', `STATUS=${status}`);
  }

  status(status: string): void {
    this.tell(`STATUS=${status}`);
  }

  /** At once: this process may end before a message that is under way has been taken. */
  stopping(): void {
    void this.send(['STOPPING=1']);
  }

  /** Says that the loop is alive. May be called as often as one likes. */
  readonly alive = (): void => {
    const now = monotonicMs();
    if (now - this.toldAtMs < this.everyMs) return;
    this.toldAtMs = now;
    this.tell('WATCHDOG=1');
  };

  /** One at a time, because each is a process of its own. */
  private tell(...lines: string[]): void {
    this.told = this.told.then(() => this.send(lines.map((line) => line.replaceAll('\n', ' '))));
  }

  private async send(lines: readonly string[]): Promise<void> {
    const child = spawn('systemd-notify', lines, { stdio: 'ignore' });
    child.unref();
    try {
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) this.fail(`it ended with ${code === null ? 'a signal' : `exit code ${code}`}`);
    } catch (error) {
      this.fail((error as Error).message);
    }
  }

  private fail(reason: string): void {
    if (!this.hasFailed) this.onFailure(`cannot report to systemd through systemd-notify: ${reason}`);
    this.hasFailed = true;
  }
}
