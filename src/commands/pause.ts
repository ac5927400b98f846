import * as Args from '../cli/oclif/args.js';
import { BaseCommand } from '../cli/base-command.js';
import { describeTime } from '../cli/input/time.js';
import { positiveDuration } from '../cli/flags.js';
import { printInfo, printNote } from '../cli/stderr.js';
import { jobCount } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import { bytesToJson, iso } from '../output/json.js';

export default class Pause extends BaseCommand {
  static override summary =
    "Pause topics: delayer's consumers get no job of them until resume, or for the time of --for.";
  static override description = `pop, bpop and drain get no job of a paused topic. Its jobs still become ready and expire, and leased jobs are not affected. Consumers of other programs are not paused. Pausing a paused topic again replaces the end of the pause.
With --for it prints how many jobs would expire before the pause ends.`;
  static override usage = 'pause TOPIC... [--for DURATION] [flags]';
  static override examples = [
    '<%= config.bin %> pause close_order',
    '<%= config.bin %> pause close_order send_mail --for 1h',
  ];
  static override args = {
    topic: Args.string({ required: true, multiple: true, description: 'the topics' }),
  };
  static override flags = {
    for: positiveDuration('for')({ description: 'how long to pause [default: until resume]' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Pause);
    const { for: forMs, json } = flags;
    const topics = this.toTopics(args.topic, flags.base64);
    await this.withQueue(flags, async (queue) => {
      const until = forMs === undefined ? undefined : new Date((await queue.now()).getTime() + forMs);
      await queue.pause(topics, { forMs });
      // The pause takes effect before jobs are counted, which may take long.
      const expiring = until && (await countExpiring(queue, topics, until));
      if (json) {
        const paused = topics.map((topic) => ({
          ...bytesToJson('topic', topic),
          pausedUntil: iso(until) ?? null,
        }));
        await this.printJson({ paused, expiring });
      } else if (expiring !== undefined && expiring > 0) {
        printNote(
          `${jobCount(expiring)} would expire before the pause ends, unless another program takes ${expiring === 1 ? 'it' : 'them'}`,
        );
      }
      printInfo(`paused until ${until ? describeTime(until, new Date()) : 'it is resumed'}`);
    });
  }
}

/**
 * How many jobs that could still be delivered expire before the pause ends. One that waits for another job of its id does
 * not expire meanwhile.
 */
async function countExpiring(queue: Queue, topics: readonly Buffer[], until: Date): Promise<number> {
  let expiring = 0;
  for await (const { jobs } of queue.scan({ topics, states: ['ready', 'due', 'delayed'] }))
    for (const { expiresAt, isWaiting = false } of jobs)
      if (!isWaiting && expiresAt !== undefined && expiresAt <= until) expiring += 1;
  return expiring;
}
