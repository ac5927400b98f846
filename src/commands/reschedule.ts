import * as Args from '@oclif/core/args';
import { actOnIds, type Verb } from '../cli/acting.js';
import { BaseCommand } from '../cli/base-command.js';
import { duration, shift, timestamp } from '../cli/flags.js';
import { describeTime } from '../cli/input/time.js';
import { printInfo } from '../cli/stderr.js';
import { iso } from '../output/json.js';

const VERB: Verb = {
  done: 'rescheduled',
  success: 'all',
  whyNot: { delayed: 'waits until another job of its id is gone' },
};

export default class Reschedule extends BaseCommand {
  static override summary = 'Give jobs that are not due yet another due time; prints the ids it rescheduled.';
  static override description = `One of --delay, --at and --by says when. A time in the past means now. The whole ready lifetime of a job counts from its new due time; its attempts stay.
Exit code 1 when one of the ids was not rescheduled: it is due already, in the hands of a consumer, or not there.`;
  static override usage = [
    'reschedule ID... --delay DURATION [flags]',
    'reschedule ID... --at TIME [flags]',
    'reschedule ID... --by SHIFT [flags]',
  ];
  static override examples = [
    '<%= config.bin %> reschedule 32 --delay 30m',
    '<%= config.bin %> reschedule 32 33 --at 2026-03-01T06:00:00Z',
    '<%= config.bin %> reschedule - --by +1h < ids.txt',
  ];
  static override args = {
    id: Args.string({ required: true, multiple: true, description: 'ids, or - for one a line on stdin' }),
  };
  static override flags = {
    delay: duration('delay')({ description: 'due so long from now', exclusive: ['at', 'by'] }),
    at: timestamp('at')({
      description: 'due at this time: ISO 8601 or @unixseconds',
      exclusive: ['delay', 'by'],
    }),
    by: shift('by')({
      description: 'due so much later (+1h) or earlier (-10m) than it is now',
      exclusive: ['delay', 'at'],
    }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Reschedule);
    const { delay: delayMs, at, by: byMs } = flags;
    if (delayMs === undefined && at === undefined && byMs === undefined)
      throw this.missing('--delay, --at or --by');
    const exitCode = await this.withQueue(flags, (queue) =>
      actOnIds({ verb: VERB, json: flags.json }, this.idsOf(args.id, flags.base64), async (ids) => {
        const results = await queue.reschedule(ids.map((id) => ({ id, delayMs, at, byMs })));
        return results.map(({ rescheduled, state, dueAt }) => ({
          ...{ isDone: rescheduled, state },
          more: { dueAt: iso(dueAt) },
        }));
      }),
    );
    if (at !== undefined) printInfo(`due ${describeTime(at, new Date())}`);
    this.endWith(exitCode);
  }
}
