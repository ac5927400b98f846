import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { actOnIds, type Verb } from '../cli/acting.js';
import { BaseCommand } from '../cli/base-command.js';

const VERB: Verb = { done: 'removed', success: 'any' };

export default class Remove extends BaseCommand {
  static override summary = 'Cancel jobs that are not due yet; prints the ids it removed.';
  static override description = `A job that is due counts as due even before it is promoted, and is left alone unless --any-state is given.
Exit code 1 when no id matched.`;
  static override examples = [
    '<%= config.bin %> remove 32',
    '<%= config.bin %> remove 32 33 34',
    '<%= config.bin %> remove - < ids.txt',
  ];
  static override args = {
    id: Args.string({ required: true, multiple: true, description: 'ids, or - for one a line on stdin' }),
  };
  static override flags = {
    'any-state': Flags.boolean({ description: 'remove due, ready, leased, expired and dead jobs too' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Remove);
    const options = flags['any-state'] ? ({ states: 'any' } as const) : {};
    const exitCode = await this.withQueue(flags, (queue) =>
      actOnIds({ verb: VERB, json: flags.json }, this.idsOf(args.id, flags.base64), async (ids) => {
        const results = await queue.removeMany(ids, options);
        return results.map(({ removed, state }) => ({ isDone: removed, state }));
      }),
    );
    this.endWith(exitCode);
  }
}
