import * as Args from '../cli/oclif/args.js';
import { promoting } from '../bulk/acts.js';
import { actOnIds, type Verb } from '../cli/act-on-ids.js';
import { actingFlags, assertNoSelection, selectionFlagsIn } from '../cli/selection-flags.js';
import { type SelectedActing, SelectingCommand } from '../cli/selecting-command.js';
import type { JobState } from '../core/job.js';

/** Ids in one call of the store; these keep their order. */
const CHUNK_IDS = 10_000;

const VERB: Verb = {
  done: 'promoted',
  success: 'all',
  whyNot: { delayed: 'cannot become ready yet (`delayer inspect --id` shows why)' },
};

const DELAYED: readonly JobState[] = ['delayed'];

/**
 * Each chunk is put in front of the chunk before it, so the jobs due last come first: then all keep their order.
 */
const PROMOTING: SelectedActing = {
  ...{ verb: 'promote', past: 'promoted', start: promoting, withoutContent: true },
  adjust: (through) => ({ ...through, query: { ...through.query, latestFirst: true } }),
};

export default class Promote extends SelectingCommand {
  static override summary = 'Make jobs that are not due yet ready now; prints the ids it promoted.';
  static override description = `Promoted jobs are delivered before the ready jobs of their topic, in the order in which they were due. The ready lifetime of a promoted job counts from now; its attempts do not change.
Exit code 1 if one of the ids was not promoted (it is due already, leased, or not in the queue), or no job of a selection was.`;
  static override usage = ['promote ID... [flags]', 'promote --topic GLOB [flags]'];
  static override examples = [
    '<%= config.bin %> promote 32',
    '<%= config.bin %> promote 32 33 34',
    '<%= config.bin %> promote - < ids.txt',
    `<%= config.bin %> promote --topic close_order --due-before +10m --dry-run`,
  ];
  static override args = {
    id: Args.string({ multiple: true, description: 'ids; - reads them from stdin, one per line' }),
  };
  static override flags = {
    ...selectionFlagsIn(DELAYED, 'delayed jobs are the only ones that it acts on'),
    ...actingFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Promote);
    const ids = args.id ?? [];
    if (ids.length === 0) return this.actOnSelected(flags, await this.selectedBy(flags, DELAYED), PROMOTING);
    assertNoSelection(flags, this.usage);
    const exitCode = await this.withQueue(flags, (queue) =>
      actOnIds({ verb: VERB, json: flags.json }, this.idsOf(ids, flags.base64, CHUNK_IDS), async (chunk) => {
        const results = await queue.promote(chunk);
        return results.map(({ promoted, state }) => ({ isDone: promoted, state }));
      }),
    );
    this.endWith(exitCode);
  }
}
