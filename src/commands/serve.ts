import { hostname } from 'node:os';
import { BaseCommand } from '../cli/base-command.js';
import { toDelayerError } from '../cli/errors.js';
import { hintFor } from '../cli/hints.js';
import { readServeSettings, serveFlags } from '../cli/serve/flags.js';
import { DaemonLog, describeMoves } from '../cli/serve/log.js';
import { whileWatched } from '../cli/serve/http.js';
import { statusLine } from '../cli/serve/status.js';
import { Interruption } from '../cli/signals.js';
import { printInfo } from '../cli/stderr.js';
import { formatDuration } from '../core/duration.js';
import type { Queue } from '../core/queue.js';
import { maintainOnce, runDaemon } from '../daemon/promoter.js';
import { Progress } from '../daemon/progress.js';

export default class Serve extends BaseCommand {
  static override summary =
    'Run the promotion daemon in the foreground: due jobs become ready, on time and in order.';
  static override description = `It sleeps until the next job is due, wakes for an earlier push by delayer, and looks at least every --interval for pushes by other clients. Several may run on one store. It waits for a Redis that is not up yet, and outlives its restarts.
SIGTERM, SIGINT and SIGQUIT end it after the step in hand; SIGHUP opens its log files anew; SIGUSR1 logs what it has done.`;
  static override examples = [
    '<%= config.bin %> serve',
    '<%= config.bin %> serve --store redis://db.internal --interval 1s',
    '<%= config.bin %> serve -c /etc/delayer.conf',
    '<%= config.bin %> serve --http 127.0.0.1:9465',
    '<%= config.bin %> serve --once',
  ];
  static override flags = serveFlags;

  private daemonLog: DaemonLog | undefined;

  override async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    const progress = new Progress();
    const interruption = this.listenToSignals(progress);
    const settings = readServeSettings(flags);
    const log = new DaemonLog(settings.log);
    this.daemonLog = log;
    for (const message of settings.notes) log.write({ level: 'warn', event: 'config', message });
    const where = { store: settings.store, password: settings.password, prefix: flags.prefix };
    const { signal } = interruption;
    if (flags.once) {
      const once = (queue: Queue) => maintainOnce(queue, { signal, onEvent: log.onEvent });
      printInfo(describeMoves(await this.withQueue(where, once)));
    } else {
      const { intervalMs } = settings;
      const run = (queue: Queue) =>
        runDaemon(queue, {
          intervalMs,
          name: `${hostname()}:${process.pid}`,
          signal,
          waitsForStore: !flags['no-wait'],
          onReady: () => log.write({ level: 'info', event: 'ready', message: whatItDoes(queue, intervalMs) }),
          progress,
          onEvent: log.onEvent,
        });
      const serve = (queue: Queue) => whileWatched({ queue, status: progress, flags, log }, () => run(queue));
      const totals = await this.withQueue(where, serve);
      log.write({
        level: 'info',
        event: 'stopped',
        message: `stopped; ${describeMoves(totals)}`,
        fields: { ...totals },
      });
    }
    await log.close();
  }

  private listenToSignals(progress: Progress): Interruption {
    const interruption = new Interruption({ ignoreHangup: () => this.daemonLog?.reopen() });
    this.interruption = interruption;
    // The original daemon ends so, too.
    process.on('SIGQUIT', () => interruption.abort());
    // From now on, for without a listener it opens Node's debugger.
    process.on('SIGUSR1', () => this.daemonLog?.write(statusLine(progress)));
    return interruption;
  }

  override async catch(error: Error): Promise<void> {
    const { daemonLog: log } = this;
    const failure = toDelayerError(error);
    log?.writeFailure(failure, hintFor(failure, 'serve'));
    await log?.close();
    if (log?.isFormatted === true) this.endWith(failure.exitCode);
    else await super.catch(error);
  }

  /** To be ended so is what a daemon is there for. */
  protected override endAfterSignal(): void {
    this.endWith(0);
  }
}

function whatItDoes({ label, needsPromotion }: Queue, intervalMs: number): string {
  return needsPromotion
    ? `promoting due jobs in ${label}, looking at least every ${formatDuration(intervalMs)}`
    : `due jobs are ready by themselves in ${label} and need no daemon; clearing away expired jobs`;
}
