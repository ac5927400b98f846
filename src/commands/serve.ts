import { hostname } from 'node:os';
import { BaseCommand } from '../cli/base-command.js';
import { toDelayerError } from '../cli/errors.js';
import { hintFor } from '../cli/hints.js';
import { startDetached, StartReport } from '../cli/serve/detach.js';
import { readServeSettings, serveFlags, type ServeSettings } from '../cli/serve/flags.js';
import { DaemonLog, describeMoves } from '../cli/serve/log.js';
import { whileWatched } from '../cli/serve/http.js';
import { PidFile } from '../cli/serve/pid-file.js';
import { statusLine } from '../cli/serve/status.js';
import { DaemonReporter } from '../cli/serve/reporter.js';
import { Interruption } from '../cli/signals.js';
import { printInfo } from '../cli/stderr.js';
import { StderrQueue } from '../cli/stderr-queue.js';
import { formatDuration } from '../core/duration.js';
import type { Queue } from '../core/queue.js';
import { maintainOnce, runDaemon } from '../daemon/promoter.js';
import { Progress } from '../daemon/progress.js';

export default class Serve extends BaseCommand {
  static override summary = 'Run the promotion daemon, which makes due jobs ready, on time and in order.';
  static override description = `It sleeps until the next job is due, wakes up when delayer pushes an earlier one, and looks for pushes by other clients at least every --interval. Several daemons may run on one store. It waits for a Redis that is not up yet, and reconnects after a restart of Redis.
SIGTERM, SIGINT and SIGQUIT stop it after the current step; SIGHUP reopens its log files; SIGUSR1 logs what it has done.
It runs in the foreground, or with --daemon in the background. -c reads the configuration of the original daemon; \`delayer -c FILE -d\` works too.`;
  static override usage = ['serve [flags]', 'serve -c FILE [-d] [flags]', 'serve --once [flags]'];
  static override examples = [
    '<%= config.bin %> serve',
    '<%= config.bin %> serve --store redis://db.internal --interval 1s',
    '<%= config.bin %> serve -c /etc/delayer.conf --daemon',
    '<%= config.bin %> serve --http 127.0.0.1:9465',
    '<%= config.bin %> serve --once',
  ];
  static override flags = serveFlags;

  private readonly progress = new Progress();
  private daemonLog: DaemonLog | undefined;
  private stderr: StderrQueue | undefined;
  /** The report of a daemon in the background, until it is up. */
  private report: StartReport | undefined;

  override async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    this.report = StartReport.open();
    if (flags.daemon && !this.report) {
      // What is wrong with it is told here.
      await readServeSettings(flags);
      printInfo(`serving in the background, as process ${await startDetached()}`);
      return;
    }
    const interruption = this.listenToSignals();
    this.stderr = StderrQueue.open({ onMissing: (lines) => this.daemonLog?.onStderrBack(lines) });
    const settings = await readServeSettings(flags, interruption.signal);
    if (interruption.signal.aborted) return;
    const log = new DaemonLog(settings.log, this.report?.print);
    this.daemonLog = log;
    for (const message of settings.notes) log.write({ level: 'warn', event: 'config', message });
    if (flags.once) await this.maintainOnce(settings, interruption.signal, log);
    else await this.serve(settings, interruption.signal, log);
    await log.close();
  }

  private async maintainOnce(settings: ServeSettings, signal: AbortSignal, log: DaemonLog): Promise<void> {
    const once = (queue: Queue) => maintainOnce(queue, { signal, onEvent: log.onEvent });
    printInfo(describeMoves(await this.withQueue(settings, once)));
  }

  private async serve(settings: ServeSettings, signal: AbortSignal, log: DaemonLog): Promise<void> {
    const { pidFile: path, waitsForStore, repairs } = settings;
    const pidFile = path === undefined ? undefined : await PidFile.take(path);
    if (pidFile?.tookOver !== undefined)
      log.write({ level: 'info', event: 'pid_file_stale', message: pidFile.tookOver });
    const reporter = new DaemonReporter(log, this.report);
    const { intervalMs } = settings;
    const run = (queue: Queue) => {
      const atWork = whatItDoes(queue, intervalMs);
      return runDaemon(queue, {
        ...{ intervalMs, signal, waitsForStore, repairs },
        name: `${hostname()}:${process.pid}`,
        progress: this.progress,
        onReady: () => reporter.ready(atWork),
        onEvent: (event) => reporter.happened(event, atWork),
        onLook: reporter.alive,
        onLookEveryMs: reporter.everyMs,
      });
    };
    try {
      const { progress: status } = this;
      const serve = (queue: Queue) => whileWatched({ queue, status, flags: settings, log }, () => run(queue));
      reporter.stopped(await this.withQueue(settings, serve));
    } finally {
      pidFile?.release();
    }
  }

  private listenToSignals(): Interruption {
    const interruption = new Interruption({ ignoreHangup: () => this.daemonLog?.reopen() });
    this.interruption = interruption;
    // The original daemon ends on this signal, too.
    process.on('SIGQUIT', () => interruption.abort());
    process.on('SIGUSR1', () => this.daemonLog?.write(statusLine(this.progress)));
    return interruption;
  }

  protected override async catch(error: Error): Promise<void> {
    const { daemonLog: log } = this;
    const failure = toDelayerError(error);
    this.report?.failed(failure);
    log?.writeFailure(failure, hintFor(failure, 'serve'));
    await log?.close();
    if (log?.isFormatted === true) this.endWith(failure.exitCode);
    else await super.catch(error);
  }

  protected override finally(error: Error | undefined): void {
    super.finally(error);
    // It never waits for who reads its log.
    void this.stderr?.end(true);
  }

  /** A daemon is meant to be ended by a signal, so it exits with 0. */
  protected override endAfterSignal(): void {
    this.endWith(0);
  }
}

function whatItDoes({ label, needsPromotion }: Queue, intervalMs: number): string {
  return needsPromotion
    ? `promoting due jobs in ${label}, looking at least every ${formatDuration(intervalMs)}`
    : `due jobs in ${label} become ready without a daemon; clearing away expired jobs`;
}
