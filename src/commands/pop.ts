import { BaseCommand } from '../cli/base-command.js';
import { count, jobFormat, topicArg } from '../cli/flags.js';
import { takeAndPrint } from '../cli/pop-and-print.js';

export default class Pop extends BaseCommand {
  static override summary = 'Take the ready job that is due first; exit code 1 when there is none.';
  static override description = 'The job is gone from the queue, and is printed: at most once.';
  static override examples = [
    '<%= config.bin %> pop close_order',
    '<%= config.bin %> pop close_order --output body',
    '<%= config.bin %> pop close_order --count 10',
  ];
  static override args = { topic: topicArg };
  static override flags = {
    count: count('count')({ description: 'take up to so many', default: 1 }),
    output: jobFormat(),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Pop);
    const topic = this.toBytes(args.topic, flags.base64);
    const taken = await this.withQueue(flags, (queue) =>
      takeAndPrint(queue, flags.count, flags.output, (most) => queue.popMany(topic, most)),
    );
    if (taken === 0) this.endWith(1);
  }
}
