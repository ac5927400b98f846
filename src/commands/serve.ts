import { hostname } from 'node:os';
import { BaseCommand } from '../cli/base-command.js';
import { printEvent } from '../cli/events.js';
import { positiveDuration } from '../cli/flags.js';
import { Interruption } from '../cli/signals.js';
import { printNote } from '../cli/stderr.js';
import { formatDuration } from '../core/duration.js';
import type { Queue } from '../core/queue.js';
import { runDaemon } from '../daemon/promoter.js';

/** How late (ms) a push by another client may be seen; the original daemon looks once a second. */
const INTERVAL_MS = 100;

export default class Serve extends BaseCommand {
  static override summary =
    'Run the promotion daemon in the foreground: due jobs become ready, on time and in order.';
  static override description = `It sleeps until the next job is due, wakes for an earlier push by delayer, and looks at least every --interval for pushes by other clients. Several may run on one store. It outlives restarts of Redis.
SIGTERM and SIGINT end it after the step in hand; SIGHUP does nothing.`;
  static override examples = [
    '<%= config.bin %> serve',
    '<%= config.bin %> serve --store redis://db.internal --interval 1s',
  ];
  static override flags = {
    interval: positiveDuration('interval')({
      description: 'look at least so often [default: 100ms]',
    }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    const interruption = new Interruption({
      ignoreHangup: () => printNote('SIGHUP does nothing here; SIGTERM ends this daemon'),
    });
    this.interruption = interruption;
    const intervalMs = flags.interval ?? INTERVAL_MS;
    const serve = (queue: Queue) =>
      runDaemon(queue, {
        intervalMs,
        name: `${hostname()}:${process.pid}`,
        signal: interruption.signal,
        onReady: () => printNote(whatItDoes(queue, intervalMs)),
        onEvent: printEvent,
      });
    const { promoted, expired, reclaimed, deleted } = await this.withQueue(flags, serve);
    printNote(
      `stopped; promoted ${promoted}, reclaimed ${reclaimed}, cleared away ${expired} expired and ${deleted} dead`,
    );
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
