import { BaseCommand } from '../cli/base-command.js';
import { count, jobFormat, topicArgs } from '../cli/flags.js';
import { popAndPrint } from '../cli/pop-and-print.js';
import { Interruption } from '../cli/signals.js';

export default class Pop extends BaseCommand {
  static override summary =
    'Take the ready job that is due first, of the first topic that has one; exit code 1 when there is none.';
  static override description = 'The job is gone from the queue before it is printed: at most once.';
  static override examples = [
    '<%= config.bin %> pop close_order',
    '<%= config.bin %> pop urgent close_order --output body',
    '<%= config.bin %> pop close_order --count 10',
  ];
  static override args = { topic: topicArgs };
  static override flags = {
    count: count('count')({ description: 'take up to so many', default: 1 }),
    output: jobFormat(),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Pop);
    const topics = args.topic.map((topic) => this.toBytes(topic, flags.base64));
    const interruption = new Interruption();
    this.interruption = interruption;
    const { signal } = interruption;
    const popped = await this.withQueue(flags, (queue) =>
      popAndPrint(queue, flags.count, flags.output, (limit) =>
        signal.aborted ? Promise.resolve([]) : queue.popMany(topics, limit),
      ),
    );
    if (popped === 0) this.endWith(1);
  }
}
