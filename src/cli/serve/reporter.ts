import type { DaemonTotals } from '../../core/daemon-status.js';
import type { DelayerEvent } from '../../core/events.js';
import type { StartReport } from './detach.js';
import { type DaemonLog, describeMoves } from './log.js';
import { Notifier } from './systemd.js';

/** Reports the state of a daemon: to its log, to systemd, and to the process that waits for its start. */
export class DaemonReporter {
  private readonly systemd: Notifier | undefined;

  constructor(
    private readonly log: DaemonLog,
    private readonly report: StartReport | undefined,
  ) {
    this.systemd = Notifier.open((message) => log.write({ level: 'warn', event: 'notify_failed', message }));
  }

  /** How often (ms) the daemon has to look at least, so that systemd's watchdog is content. */
  get everyMs(): number {
    return this.systemd?.everyMs ?? Infinity;
  }

  /** The store was reached. */
  ready(message: string): void {
    this.log.write({ level: 'info', event: 'ready', message });
    this.systemd?.ready(message);
    this.report?.ready();
  }

  /** @param atWork what the daemon does when all is well */
  happened(event: DelayerEvent, atWork: string): void {
    this.log.onEvent(event);
    if (event.type === 'store_lost') this.systemd?.status(`waiting: ${event.error.message}`);
    if (event.type === 'store_back') this.systemd?.status(atWork);
    // The daemon is up even if its store is not; the process that started it need not wait for that.
    this.report?.ready();
  }

  readonly alive = (): void => this.systemd?.alive();

  stopped(totals: DaemonTotals): void {
    this.systemd?.stopping();
    const message = `stopped; ${describeMoves(totals)}`;
    this.log.writeEnd({ level: 'info', event: 'stopped', message, fields: { ...totals } });
  }
}
