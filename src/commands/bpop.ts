import { BaseCommand } from '../cli/base-command.js';
import { count, duration, jobFormat, topicArg } from '../cli/flags.js';
import { Interruption } from '../cli/signals.js';
import { takeAndPrint } from '../cli/pop-and-print.js';

export default class Bpop extends BaseCommand {
  static override summary =
    'Take the ready job that is due first, waiting for one; exit code 1 when none came in time.';
  static override examples = [
    '<%= config.bin %> bpop close_order',
    '<%= config.bin %> bpop close_order --timeout 30 --output body',
  ];
  static override args = { topic: topicArg };
  static override flags = {
    timeout: duration('timeout')({ description: 'wait at most so long; 0 is for ever', default: 0 }),
    count: count('count')({ description: 'take up to so many, once one is there', default: 1 }),
    output: jobFormat(),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Bpop);
    const topic = this.toBytes(args.topic, flags.base64);
    const interruption = new Interruption();
    const timeoutMs = flags.timeout === 0 ? undefined : flags.timeout;
    const taken = await this.withQueue(
      flags,
      (queue) => {
        let waited = false;
        return takeAndPrint(queue, flags.count, flags.output, (most) => {
          // What comes with the first job is taken; the rest is not waited for.
          if (waited) return queue.popMany(topic, most);
          waited = true;
          return queue.bpopMany(topic, most, { timeoutMs, signal: interruption.signal });
        });
      },
      interruption,
    );
    interruption.release();
    if (taken === 0) this.endWith(interruption.exitCode ?? 1);
  }
}
