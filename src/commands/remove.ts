import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../cli/base-command.js';
import { idsFrom } from '../cli/input/body.js';
import { noteNotRemoved } from '../cli/notes.js';
import { bytesToJson } from '../output/json.js';
import { writeId } from '../output/jobs.js';

/** Ids removed with one call to the store. */
const BATCH = 250;

export default class Remove extends BaseCommand {
  static override summary = 'Cancel jobs that are not yet due; prints the ids it removed.';
  static override description = `A job that is due counts as due even before it is promoted, and is left alone unless --any-state is given.
Exit code 1 when no id matched.`;
  static override usage = ['remove ID... [flags]'];
  static override examples = [
    '<%= config.bin %> remove 32',
    '<%= config.bin %> remove 32 33 34',
    '<%= config.bin %> remove - < ids.txt',
  ];
  static override strict = false;
  static override args = {
    id: Args.string({ ignoreStdin: true, required: true, description: 'ids, or - for one a line on stdin' }),
  };
  static override flags = {
    'any-state': Flags.boolean({ description: 'remove due, ready, leased and dead jobs too' }),
  };

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(Remove);
    const scope = flags['any-state'] ? 'any' : 'delayed';
    let count = 0;
    const removed: Record<string, unknown>[] = [];
    const left: Record<string, unknown>[] = [];
    await this.withQueue(flags, async (queue) => {
      const toBytes = (text: string) => this.toBytes(text, flags.base64);
      for await (const ids of idsFrom(argv as string[], BATCH, toBytes, flags.base64)) {
        const results = await queue.removeMany(ids, scope);
        for (const [i, id] of ids.entries()) {
          const result = results[i];
          if (result?.removed === true) {
            count += 1;
            if (flags.json) removed.push(bytesToJson('id', id));
            else await writeId(id);
          } else if (flags.json) left.push({ ...bytesToJson('id', id), state: result?.state ?? null });
          else noteNotRemoved(id, result?.state);
        }
      }
    });
    if (flags.json) await this.printJson({ removed, notRemoved: left });
    if (count === 0) this.endWith(1);
  }
}
