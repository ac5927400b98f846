import * as Args from '@oclif/core/args';
import { actOnIds, type Verb } from '../cli/acting.js';
import { BaseCommand } from '../cli/base-command.js';

/** Ids of one call of the store, in which they keep their old order. */
const CHUNK_IDS = 10_000;

const VERB: Verb = {
  done: 'promoted',
  success: 'all',
  whyNot: { delayed: 'cannot be ready yet (`delayer inspect --id` tells why)' },
};

export default class Promote extends BaseCommand {
  static override summary = 'Make jobs that are not due yet ready now; prints the ids it promoted.';
  static override description = `A promoted job is delivered before all others of its topic that are ready, those of one call in the order in which they were due. Its ready lifetime counts from now; its attempts stay.
Exit code 1 when one of the ids was not promoted: it is due already, in the hands of a consumer, or not there.`;
  static override examples = [
    '<%= config.bin %> promote 32',
    '<%= config.bin %> promote 32 33 34',
    '<%= config.bin %> promote - < ids.txt',
  ];
  static override args = {
    id: Args.string({ required: true, multiple: true, description: 'ids, or - for one a line on stdin' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Promote);
    const exitCode = await this.withQueue(flags, (queue) =>
      actOnIds(
        { verb: VERB, json: flags.json },
        this.idsOf(args.id, flags.base64, CHUNK_IDS),
        async (ids) => {
          const results = await queue.promote(ids);
          return results.map(({ promoted, state }) => ({ isDone: promoted, state }));
        },
      ),
    );
    this.endWith(exitCode);
  }
}
