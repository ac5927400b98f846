import * as Args from '../cli/oclif/args.js';
import { rescheduling } from '../bulk/acts.js';
import { actOnIds, type Verb } from '../cli/act-on-ids.js';
import { duration, shift, timestamp } from '../cli/flags.js';
import { describeDueTime } from '../cli/input/time.js';
import { actingFlags, assertNoSelection, selectionFlagsIn } from '../cli/selection-flags.js';
import { SelectingCommand, type SelectingFlags } from '../cli/selecting-command.js';
import { printInfo } from '../cli/stderr.js';
import { DelayerError } from '../core/errors.js';
import type { JobRecord, JobState } from '../core/job.js';
import { iso } from '../output/json.js';

const VERB: Verb = {
  done: 'rescheduled',
  success: 'all',
  whyNot: { delayed: 'waits until another job of its id is gone' },
};

const DELAYED: readonly JobState[] = ['delayed'];

interface RescheduleFlags extends SelectingFlags {
  readonly delay?: number | undefined;
  readonly at?: Date | undefined;
  readonly by?: number | undefined;
  readonly spread?: number | undefined;
}

export default class Reschedule extends SelectingCommand {
  static override summary =
    'Change the due time of jobs that are not due yet; prints the ids it rescheduled.';
  static override description = `Needs one of --delay, --at and --by. A time in the past means now. The full ready lifetime of a job counts from its new due time; its attempts do not change.
Exit code 1 if one of the ids was not rescheduled (it is due already, leased, or not in the queue), or no job of a selection was.`;
  static override usage = [
    'reschedule ID... --delay DURATION [flags]',
    'reschedule ID... --at TIME [flags]',
    'reschedule ID... --by SHIFT [flags]',
    'reschedule --topic GLOB --by SHIFT [flags]',
  ];
  static override examples = [
    '<%= config.bin %> reschedule 32 --delay 30m',
    '<%= config.bin %> reschedule 32 33 --at 2026-03-01T06:00:00Z',
    '<%= config.bin %> reschedule - --by +1h < ids.txt',
    `<%= config.bin %> reschedule --topic 'mail_*' --delay 1h --spread 30m --dry-run`,
  ];
  static override args = {
    id: Args.string({ multiple: true, description: 'ids; - reads them from stdin, one per line' }),
  };
  static override flags = {
    delay: duration('delay')({ description: 'due DURATION from now', exclusive: ['at', 'by'] }),
    at: timestamp('at')({
      description:
        'due at TIME: ISO 8601, @unixseconds, +1h, or words: tomorrow 9:00; a time in the past means now',
      exclusive: ['delay', 'by'],
    }),
    by: shift('by')({
      description: 'shift the due time: later (+1h) or earlier (-10m)',
      exclusive: ['delay', 'at'],
    }),
    spread: duration('spread')({
      description: 'with a selection: spread the due times evenly over DURATION, from --delay or --at on',
      exclusive: ['by'],
    }),
    ...selectionFlagsIn(DELAYED, 'delayed jobs are the only ones that it acts on'),
    ...actingFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Reschedule);
    const { delay: delayMs, at, by: byMs } = flags;
    if (delayMs === undefined && at === undefined && byMs === undefined)
      throw this.missing('--delay, --at or --by');
    const ids = args.id ?? [];
    if (ids.length === 0) return this.rescheduleSelected(flags);
    assertNoSelection(flags, this.usage);
    if (flags.spread !== undefined)
      throw new DelayerError('usage', '--spread is for a selection', {
        hint: `Leave it out. Usage: ${this.usage}`,
      });
    const exitCode = await this.withQueue(flags, (queue) =>
      actOnIds({ verb: VERB, json: flags.json }, this.idsOf(ids, flags.base64), async (chunk) => {
        const results = await queue.reschedule(chunk.map((id) => ({ id, delayMs, at, byMs })));
        return results.map(({ rescheduled, state, dueAt }) => ({
          ...{ isDone: rescheduled, state },
          more: { dueAt: iso(dueAt) },
        }));
      }),
    );
    if (at !== undefined) printInfo(`due ${describeDueTime(at, new Date())}`);
    this.endWith(exitCode);
  }

  /** The jobs due last come first, so a job that is moved to a later time is not met again. */
  private async rescheduleSelected(flags: RescheduleFlags): Promise<void> {
    const { at, by: byMs, delay = 0, spread = 0 } = flags;
    let isDone: (job: JobRecord) => boolean = () => false;
    await this.actOnSelected(flags, await this.selectedBy(flags, DELAYED), {
      ...{ verb: 'reschedule', past: 'rescheduled', withoutContent: true, needsTotal: spread > 0 },
      start: async (queue, total) => {
        const from = at ?? new Date((await queue.now()).getTime() + delay);
        const due = byMs === undefined ? { at: from, spread: { ms: spread, total } } : { byMs };
        const rescheduled = rescheduling(queue, due);
        isDone = (job) => rescheduled.isDone(job);
        return rescheduled.act;
      },
      adjust: (through) => ({
        ...through,
        query: { ...through.query, latestFirst: true },
        matches: async (job) => !isDone(job) && ((await through.matches?.(job)) ?? true),
      }),
    });
  }
}
