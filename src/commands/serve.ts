import { hostname } from 'node:os';
import { BaseCommand } from '../cli/base-command.js';
import { positiveDuration } from '../cli/flags.js';
import { say } from '../cli/stderr.js';
import { Interruption } from '../cli/signals.js';
import { formatDuration } from '../core/duration.js';
import { promoteUntil } from '../daemon/promoter.js';

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
      ignoreHangup: () => say('SIGHUP does nothing here; SIGTERM ends this daemon'),
    });
    const intervalMs = flags.interval ?? INTERVAL_MS;
    const totals = await this.withQueue(
      flags,
      (queue) => {
        const { label, needsPromotion } = queue.store;
        const onReady = () =>
          say(
            needsPromotion
              ? `promoting due jobs in ${label}, looking at least every ${formatDuration(intervalMs)}`
              : `due jobs are ready by themselves in ${label} and need no daemon; clearing away what has expired`,
          );
        return promoteUntil(queue.store, {
          intervalMs,
          onReady,
          name: `${hostname()}:${process.pid}`,
          signal: interruption.signal,
          report: say,
        });
      },
      interruption,
    );
    interruption.release();
    say(
      `stopped; promoted ${totals.promoted}, cleared away ${totals.expired} dead, took back ${totals.returned} leases`,
    );
    if (interruption.exitCode !== undefined) this.endWith(interruption.exitCode);
  }
}
