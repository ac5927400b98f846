import { BaseCommand } from '../cli/base-command.js';
import { printEvent } from '../cli/events.js';
import { count, durationOrZero, takeFlags, timerDuration, topicArgs } from '../cli/flags.js';
import { formatOf, loadLeasePrinter, popAndPrint } from '../cli/pop-and-print.js';
import { whileRead } from '../cli/reader.js';
import { Interruption } from '../cli/signals.js';
import type { Queue } from '../core/queue.js';
import { MAX_TIMER_MS } from '../core/timer.js';

export default class Bpop extends BaseCommand {
  static override summary =
    'Take the ready job that is due first, as pop does, and wait for one; exit code 1 if none becomes ready in time.';
  static override usage = [
    'bpop TOPIC... [--timeout DURATION] [flags]',
    'bpop TOPIC... --lease DURATION [flags]',
  ];
  static override examples = [
    '<%= config.bin %> bpop close_order',
    '<%= config.bin %> bpop urgent close_order --timeout 30 --output body',
    '<%= config.bin %> bpop close_order --lease 60s',
  ];
  static override args = { topic: topicArgs };
  static override flags = {
    timeout: durationOrZero('timeout')({
      description: 'wait at most DURATION; 0, the default, means for ever',
      default: 0,
    }),
    interval: timerDuration('interval')({
      description: 'how often to look where Redis does not report changes [default: 100ms]',
    }),
    count: count('count')({
      description: 'take at most N jobs; only the first one is waited for',
      default: 1,
    }),
    ...takeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Bpop);
    const topics = args.topic.map((topic) => this.toBytes(topic, flags.base64));
    const interruption = new Interruption();
    this.interruption = interruption;
    const { signal } = interruption;
    const timeoutMs = flags.timeout === 0 ? undefined : flags.timeout;
    const { count, lease } = flags;
    let take: (queue: Queue) => Promise<number>;
    if (lease === undefined) {
      const format = formatOf(flags.output);
      take = (queue) => {
        let waited = false;
        return popAndPrint(queue, count, format, (limit) => {
          // Jobs that are ready together with the first are taken; it does not wait for more.
          if (waited)
            return signal.aborted
              ? Promise.resolve([])
              : queue.popMany(topics, limit, { onEvent: printEvent });
          waited = true;
          return queue.bpopMany(topics, limit, { timeoutMs, signal, onEvent: printEvent });
        });
      };
    } else {
      const printer = await loadLeasePrinter(topics, { ...flags, lease });
      take = (queue) => printer.runWaiting(queue, { timeoutMs, signal });
    }
    const taken = await whileRead(interruption, () =>
      this.withQueue({ ...flags, openTimeoutMs: timeoutMs && Math.min(timeoutMs, MAX_TIMER_MS) }, take),
    );
    if (taken === 0) this.endWith(1);
  }
}
