import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { removeAnyState } from '../bulk/acts.js';
import { actOnIds } from '../cli/act-on-ids.js';
import { RemovedJobs, removeVerb } from '../cli/remove-verb.js';
import { actingFlags, assertNoSelection, selectionFlags } from '../cli/selection-flags.js';
import { SelectingCommand, type SelectingFlags } from '../cli/selecting-command.js';
import { JOB_STATES, type JobState } from '../core/job.js';

/** The states of a selection without `--state`. */
const DELAYED: readonly JobState[] = ['delayed'];

interface RemoveFlags extends SelectingFlags {
  readonly strict: boolean;
  readonly 'any-state': boolean;
  readonly 'no-archive': boolean;
}

export default class Remove extends SelectingCommand {
  static override summary = 'Cancel jobs that are not due yet; prints the ids it removed.';
  static override description = `A job that is due is not removed, even before it is promoted, unless --any-state or --state is given. Jobs that a selection or --any-state removes are first kept in a file in $XDG_STATE_HOME/delayer/removed, from which import restores them.
Exit code 1 if no job was removed; with --strict also if one of the ids was not removed.`;
  static override usage = ['remove ID... [flags]', 'remove --topic GLOB [flags]'];
  static override examples = [
    '<%= config.bin %> remove 32',
    '<%= config.bin %> remove 32 33 34',
    '<%= config.bin %> remove - < ids.txt',
    `<%= config.bin %> remove --topic close_order --grep '"customer":17' --dry-run`,
    `<%= config.bin %> remove --topic 'mail_*' --older-than 7d --any-state --yes`,
  ];
  static override args = {
    id: Args.string({ multiple: true, description: 'ids; - reads them from stdin, one per line' }),
  };
  static override flags = {
    'any-state': Flags.boolean({
      description: 'remove due, ready, leased, expired and dead jobs too',
      exclusive: ['state'],
    }),
    strict: Flags.boolean({ description: 'exit with 1 if one of the ids was not removed' }),
    ...selectionFlags,
    ...actingFlags,
    'no-archive': Flags.boolean({ description: 'do not keep the removed jobs in a file' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Remove);
    const ids = args.id ?? [];
    if (ids.length === 0) {
      const states = flags['any-state'] ? JOB_STATES : DELAYED;
      const select = await this.selectedBy(flags, states);
      return this.actOnSelected(flags, select, removeVerb('remove', flags));
    }
    assertNoSelection(flags, this.usage);
    await this.removeNamed(ids, flags);
  }

  private async removeNamed(given: string[], flags: RemoveFlags): Promise<void> {
    const verb = { done: 'removed', success: flags.strict ? 'all' : 'any' } as const;
    const kept = new RemovedJobs('remove', flags);
    let isComplete = false;
    try {
      const exitCode = await this.withQueue(flags, (queue) =>
        actOnIds({ verb, json: flags.json }, this.idsOf(given, flags.base64), async (ids) => {
          const results = flags['any-state']
            ? await removeAnyState(queue, ids, kept.open(queue))
            : await queue.removeMany(ids);
          return results.map(({ removed, state }) => ({ isDone: removed, state }));
        }),
      );
      this.endWith(exitCode);
      isComplete = true;
    } finally {
      kept.end(isComplete);
    }
  }
}
