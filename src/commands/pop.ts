import { BaseCommand } from '../cli/base-command.js';
import { printEvent } from '../cli/events.js';
import { count, takeFlags, topicArgs } from '../cli/flags.js';
import { formatOf, loadLeasePrinter, popAndPrint } from '../cli/pop-and-print.js';
import { Interruption } from '../cli/signals.js';
import type { Queue } from '../core/queue.js';

export default class Pop extends BaseCommand {
  static override summary =
    'Take the ready job that is due first, from the first topic that has one; exit code 1 if there is none.';
  static override description = `The job is removed from the queue before it is printed: it is delivered at most once.
With --lease it is leased to the process that called pop: end the lease with ack if the job is done, with nack if it failed. When the lease expires first, the job is ready again, or a dead letter if no retry is left. docs/handlers.md has loops for sh, bash, PHP and Python.`;
  static override usage = ['pop TOPIC... [flags]', 'pop TOPIC... --lease DURATION [flags]'];
  static override examples = [
    '<%= config.bin %> pop close_order',
    '<%= config.bin %> pop urgent close_order --output body',
    '<%= config.bin %> pop close_order --count 10',
    '<%= config.bin %> pop close_order --lease 60s --retries 5 --backoff 10s..1h',
    'lease=$(<%= config.bin %> pop close_order --lease 60s --output lease --body-file body.json)',
  ];
  static override args = { topic: topicArgs };
  static override flags = {
    count: count('count')({ description: 'take at most N jobs', default: 1 }),
    ...takeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Pop);
    const topics = args.topic.map((topic) => this.toBytes(topic, flags.base64));
    const interruption = new Interruption();
    this.interruption = interruption;
    const { signal } = interruption;
    const { count, lease } = flags;
    let take: (queue: Queue) => Promise<number>;
    if (lease === undefined) {
      const format = formatOf(flags.output);
      const pop = (queue: Queue, limit: number) =>
        signal.aborted ? Promise.resolve([]) : queue.popMany(topics, limit, { onEvent: printEvent });
      take = (queue) => popAndPrint(queue, count, format, (limit) => pop(queue, limit));
    } else {
      const printer = await loadLeasePrinter(topics, { ...flags, lease });
      take = (queue) => printer.run(queue, signal);
    }
    const taken = await this.withQueue(flags, take);
    if (taken === 0) this.endWith(1);
  }
}
