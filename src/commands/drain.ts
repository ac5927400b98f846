import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.js';
import { count, jobFormat, positiveDuration, topicArg } from '../cli/flags.js';
import { say } from '../cli/stderr.js';
import { Interruption } from '../cli/signals.js';
import { drainFollow, drainLoop, drainPass, type Sink } from '../worker/drain.js';
import { writeJobs } from '../output/jobs.js';
import type { OutputError } from '../output/stdout.js';

const MINUTE_MS = 60_000;
const STEP_MS = 10_000;

export default class Drain extends BaseCommand {
  static override summary = 'Take ready jobs until none is left, and print each.';
  static override description = `A job is taken, printed, and only then confirmed: what could not be written is back in the queue.
--loop is for cron: a pass at 0, 10, … 50 s, then the end. --follow is a worker that waits for jobs until it is stopped.
The first signal ends it after the job in hand; the second at once, and the job comes back.`;
  static override examples = [
    '<%= config.bin %> drain close_order',
    '* * * * * <%= config.bin %> drain close_order --loop --step 10 --max 10 >> /var/log/orders.ndjson',
    '<%= config.bin %> drain close_order --follow | ./cancel-orders',
  ];
  static override args = { topic: topicArg };
  static override flags = {
    max: count('max')({ description: 'take at most so many; with --loop, in each pass' }),
    loop: Flags.boolean({ description: 'drain every --step, for --for', exclusive: ['follow'] }),
    step: positiveDuration('step')({
      description: 'from the start of a pass to the next [default: 10]',
      dependsOn: ['loop'],
    }),
    for: positiveDuration('for')({
      description: 'start passes for so long [default: 60]',
      dependsOn: ['loop'],
    }),
    follow: Flags.boolean({ description: 'wait for more jobs, without end' }),
    output: jobFormat(),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Drain);
    const interruption = new Interruption();
    let broken: OutputError | undefined;
    const sink: Sink = async (jobs) => {
      const { written, error } = await writeJobs(jobs, flags.output);
      broken = error;
      return written;
    };
    const options = {
      topic: this.toBytes(args.topic, flags.base64),
      sink,
      max: flags.max,
      signal: interruption.signal,
      report: say,
    };
    const pass = await this.withQueue(
      flags,
      (queue) => {
        if (flags.follow) return drainFollow(queue, options);
        if (!flags.loop) return drainPass(queue, options);
        return drainLoop(queue, { ...options, stepMs: flags.step ?? STEP_MS, forMs: flags.for ?? MINUTE_MS });
      },
      interruption,
    );
    interruption.release();
    if (pass.overdue > 0) {
      say(
        `${pass.overdue} jobs were printed after their lease had run out; another consumer may have them too`,
      );
    }
    if (broken !== undefined) throw broken;
    if (interruption.exitCode !== undefined) this.endWith(interruption.exitCode);
  }
}
