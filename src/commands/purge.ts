import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { removeVerb } from '../cli/remove-verb.js';
import { actingFlags } from '../cli/selection-flags.js';
import { SelectingCommand } from '../cli/selecting-command.js';
import { JOB_STATES } from '../core/job.js';

/** Leased jobs are removed only if `--state leased` says so. */
const DEFAULT_STATES = JOB_STATES.filter((state) => state !== 'leased');

export default class Purge extends SelectingCommand {
  static override summary =
    'Remove the jobs of topics, all or those in some states; prints the ids it removed to a pipe.';
  static override description = `Without --state, all jobs except leased ones are removed. With --state leased, leased jobs are removed and their leases end.
The jobs are first kept in a file in $XDG_STATE_HOME/delayer/removed, from which import restores them.
Exit code 1 if no job matches.`;
  static override usage = 'purge TOPIC... [--state STATE...] [flags]';
  static override examples = [
    '<%= config.bin %> purge close_order --dry-run',
    '<%= config.bin %> purge close_order --state dead,expired --yes',
  ];
  static override args = {
    topic: Args.string({ required: true, multiple: true, description: 'the topics; names, not globs' }),
  };
  static override flags = {
    state: Flags.option({ options: JOB_STATES, multiple: true, delimiter: ',' as const })({
      description: 'jobs in these states [default: all but leased]',
    }),
    ...actingFlags,
    'no-archive': Flags.boolean({ description: 'do not keep the removed jobs in a file' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Purge);
    const { state: states = DEFAULT_STATES, limit = Infinity, base64 } = flags;
    const query = { topics: args.topic.map((text) => this.toBytes(text, base64)), states };
    await this.actOnSelected(flags, () => ({ query, limit }), removeVerb('purge', flags));
  }
}
