import * as Flags from '@oclif/core/flags';
import { hostname } from 'node:os';
import { BaseCommand } from '../cli/base-command.js';
import { printEvent } from '../cli/events.js';
import { positiveDuration } from '../cli/flags.js';
import { Interruption } from '../cli/signals.js';
import { printInfo, printNote } from '../cli/stderr.js';
import type { DaemonTotals } from '../core/daemon-status.js';
import { formatDuration } from '../core/duration.js';
import type { Queue } from '../core/queue.js';
import { maintainOnce, runDaemon } from '../daemon/promoter.js';

/** How late (ms) a push by another client may be seen; the original daemon looks once a second. */
const INTERVAL_MS = 100;

export default class Serve extends BaseCommand {
  static override summary =
    'Run the promotion daemon in the foreground: due jobs become ready, on time and in order.';
  static override description = `It sleeps until the next job is due, wakes for an earlier push by delayer, and looks at least every --interval for pushes by other clients. Several may run on one store. It waits for a Redis that is not up yet, and outlives its restarts.
SIGTERM and SIGINT end it after the step in hand; SIGHUP does nothing.`;
  static override examples = [
    '<%= config.bin %> serve',
    '<%= config.bin %> serve --store redis://db.internal --interval 1s',
    '<%= config.bin %> serve --once',
  ];
  static override flags = {
    interval: positiveDuration('interval')({
      description: 'look at least so often [default: 100ms]',
    }),
    once: Flags.boolean({
      description: 'do what is to be done now, and end: for cron and timers',
      exclusive: ['interval', 'no-wait'],
    }),
    'no-wait': Flags.boolean({
      description: 'fail when the store cannot be reached at the start, instead of waiting for it',
    }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    const interruption = new Interruption({
      ignoreHangup: () => printNote('SIGHUP does nothing here; SIGTERM ends this daemon'),
    });
    this.interruption = interruption;
    const { signal } = interruption;
    if (flags.once) {
      const once = (queue: Queue) => maintainOnce(queue, { signal, onEvent: printEvent });
      printInfo(describeTotals(await this.withQueue(flags, once)));
      return;
    }
    const intervalMs = flags.interval ?? INTERVAL_MS;
    const serve = (queue: Queue) =>
      runDaemon(queue, {
        intervalMs,
        name: `${hostname()}:${process.pid}`,
        signal,
        waitsForStore: !flags['no-wait'],
        onReady: () => printNote(whatItDoes(queue, intervalMs)),
        onEvent: printEvent,
      });
    printNote(`stopped; ${describeTotals(await this.withQueue(flags, serve))}`);
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

function describeTotals({ promoted, expired, reclaimed, deleted }: DaemonTotals): string {
  return `promoted ${promoted}, reclaimed ${reclaimed}, cleared away ${expired} expired and ${deleted} dead`;
}
