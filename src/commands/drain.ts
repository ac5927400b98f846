import * as Flags from '@oclif/core/flags';
import { splitAtDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { printEvent } from '../cli/events.js';
import { count, jobFormat, positiveDuration, topicArgs } from '../cli/flags.js';
import { whileRead } from '../cli/reader.js';
import { Interruption } from '../cli/signals.js';
import { printNote } from '../cli/stderr.js';
import { DelayerError } from '../core/errors.js';
import { jobCount } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { jobWriter } from '../output/jobs.js';
import { drainFollow } from '../worker/follow.js';
import { printHandler } from '../worker/handlers/print.js';
import { drainLoop } from '../worker/loop.js';
import { drainPass } from '../worker/pass.js';

const FOR_MS = 60_000; // The period of a crontab's line.
const STEP_MS = 10_000;

export default class Drain extends BaseCommand {
  static override summary = 'Take ready jobs until none is left, and print each.';
  static override description = `A job is leased, printed, and only then acknowledged: what could not be written is back in the queue.
--loop is for cron: a pass at 0, 10, … 50 s, then the end. --follow is a worker that waits for jobs until it is stopped.
The first signal ends it after the job in hand; the second at once, and the job comes back.`;
  static override examples = [
    '<%= config.bin %> drain close_order',
    '* * * * * <%= config.bin %> drain close_order --loop --step 10 --max 10 >> /var/log/orders.ndjson',
    '<%= config.bin %> drain urgent close_order --follow | ./cancel-orders',
  ];
  static override args = { topic: topicArgs };
  static override flags = {
    max: count('max')({ description: 'take at most so many; with --loop, in each pass' }),
    loop: Flags.boolean({ description: 'drain every --step, for --for', exclusive: ['follow'] }),
    step: positiveDuration('step')({
      description: 'from the start of a pass to the next [default: 10]',
      dependsOn: ['loop'],
    }),
    for: positiveDuration('for')({
      description: 'the window: nothing is delivered after it [default: 60]',
      dependsOn: ['loop'],
    }),
    follow: Flags.boolean({ description: 'wait for more jobs, without end' }),
    output: jobFormat(),
  };

  override async run(): Promise<void> {
    const { before, after } = splitAtDashes(this.argv);
    if (after !== undefined) {
      throw new DelayerError('usage', 'drain does not run commands: nothing may stand behind --', {
        hint: 'Pipe its output into the command; name a topic that begins with a dash in base64, with --base64.',
      });
    }
    const { args, flags } = await this.parse(Drain, before);
    const interruption = new Interruption();
    this.interruption = interruption;
    const forMs = flags.for ?? FOR_MS;
    // The window bounds the store's answers as well: a Redis that hangs does not stretch it.
    if (flags.loop) interruption.abortAfter(forMs);
    const writer = jobWriter(flags.output);
    const options = {
      topics: args.topic.map((topic) => this.toBytes(topic, flags.base64)),
      handler: printHandler(writer.write),
      max: flags.max,
      signal: interruption.signal,
      onEvent: printEvent,
    };
    const drain = (queue: Queue) => {
      if (flags.follow) return drainFollow(queue, options);
      if (!flags.loop) return drainPass(queue, options);
      return drainLoop(queue, { ...options, stepMs: flags.step ?? STEP_MS, forMs });
    };
    const { lateAcks } = await whileRead(interruption, () => this.withQueue(flags, drain));
    if (lateAcks > 0)
      printNote(
        `${jobCount(lateAcks)} printed after the lease had ended; another consumer may have them too`,
      );
    if (writer.error) throw writer.error;
  }
}
