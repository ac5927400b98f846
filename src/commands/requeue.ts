import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { requeueing } from '../bulk/acts.js';
import { type RequeueHow, type Requeued, requeueIds } from '../bulk/requeue.js';
import { countBehindDashes } from '../cli/argv.js';
import { duration } from '../cli/flags.js';
import { readsStdin } from '../cli/input/arguments.js';
import { RequeueReport } from '../cli/requeue-report.js';
import { actingFlags, assertNoSelection, selectionFlagsIn } from '../cli/selection-flags.js';
import { SelectingCommand, type SelectingFlags } from '../cli/selecting-command.js';
import type { JobState } from '../core/job.js';
import type { Queue } from '../core/queue.js';

const DEAD: readonly JobState[] = ['dead'];
/** The body of an expired job is there on SQLite. */
const REQUEUED: readonly JobState[] = ['dead', 'expired'];

interface RequeueFlags extends SelectingFlags {
  readonly delay?: number | undefined;
  readonly spread?: number | undefined;
  readonly 'keep-attempts': boolean;
}

export default class Requeue extends SelectingCommand {
  static override summary =
    'Put dead letters, and jobs that expired, back into the queue; prints the ids it requeued.';
  static override description = `A requeued job has its body, its full ready lifetime, and all its retries again. Of several dead letters of an id, the latest is requeued. A dead letter is left alone if another job of its id is in the queue. Where an id has no dead letter, its expired job is requeued, if the store still has its body (SQLite).
Exit code 1 if one of the ids was not requeued, or no job of a selection was.`;
  static override usage = ['requeue ID... [flags]', 'requeue --topic GLOB [flags]'];
  static override examples = [
    '<%= config.bin %> requeue 32',
    '<%= config.bin %> requeue --topic close_order --dry-run',
    `<%= config.bin %> requeue --topic 'close_*' --spread 10m --yes`,
    `<%= config.bin %> requeue --topic close_order --older-than 1h --grep timeout --yes`,
    '<%= config.bin %> requeue - < ids.txt',
  ];
  static override args = {
    id: Args.string({ multiple: true, description: 'ids; - reads them from stdin, one per line' }),
  };
  static override flags = {
    delay: duration('delay')({ description: 'due DURATION from now [default: 0]' }),
    spread: duration('spread')({ description: 'spread the due times evenly over DURATION, from --delay on' }),
    'keep-attempts': Flags.boolean({ description: 'keep the number of attempts instead of starting at 0' }),
    ...selectionFlagsIn(REQUEUED, 'jobs in these states [default: dead]'),
    ...actingFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Requeue);
    const ids = args.id ?? [];
    if (ids.length === 0) return this.requeueSelected(flags);
    assertNoSelection(flags, this.usage);
    const how = toHow(flags);
    await this.withQueue(flags, async (queue) => {
      const report = new RequeueReport(flags.json);
      let isComplete = false;
      try {
        for await (const results of this.named(queue, ids, flags.base64, how)) await report.add(results);
        isComplete = true;
      } finally {
        await report.end(isComplete);
      }
      this.endWith(report.exitCode);
    });
  }

  private named(queue: Queue, ids: string[], base64: boolean, how: RequeueHow): AsyncIterable<Requeued[]> {
    const given = { args: ids, literalCount: countBehindDashes(this.argv) };
    const isKnown = !ids.some((_, i) => readsStdin(given, i));
    return requeueIds(queue, this.idsOf(ids, base64), { ...how, total: isKnown ? ids.length : undefined });
  }

  private async requeueSelected(flags: RequeueFlags): Promise<void> {
    const { delayMs, spreadMs, keepAttempts } = toHow(flags);
    await this.actOnSelected(flags, await this.selectedBy(flags, DEAD), {
      ...{ verb: 'requeue', past: 'requeued', needsTotal: spreadMs > 0 },
      start: (queue, total) => requeueing(queue, { delayMs, spread: { ms: spreadMs, total }, keepAttempts }),
      // Jobs that fail again meanwhile are left for the next run; otherwise it might never end.
      adjust: async (through, queue) => {
        const began = await queue.now();
        const { olderThan = began } = through.query;
        return { ...through, query: { ...through.query, olderThan: olderThan < began ? olderThan : began } };
      },
    });
  }
}

function toHow(flags: RequeueFlags): RequeueHow {
  return {
    ...{ delayMs: flags.delay ?? 0, spreadMs: flags.spread ?? 0 },
    keepAttempts: flags['keep-attempts'],
  };
}
