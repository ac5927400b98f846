import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { readIds } from '../cli/input/ids.js';
import { RemoveNotes } from '../cli/notes.js';
import { writeId } from '../output/jobs.js';
import { bytesToJson } from '../output/json.js';

/** Ids removed with one call of the store. */
const CHUNK_IDS = 250;

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
    const notes = new RemoveNotes();
    let count = 0;
    const removed: Record<string, unknown>[] = [];
    const notRemoved: Record<string, unknown>[] = [];
    await this.withQueue(flags, async (queue) => {
      const toBytes = (text: string) => this.toBytes(text, flags.base64);
      const literalCount = countBehindDashes(this.argv);
      for await (const ids of readIds(args.id, literalCount, CHUNK_IDS, toBytes, flags.base64)) {
        const results = await queue.removeMany(ids, options);
        for (const [i, id] of ids.entries()) {
          const result = results[i];
          if (result?.removed === true) {
            count += 1;
            if (flags.json) removed.push(bytesToJson('id', id));
            else await writeId(id);
          } else if (flags.json) {
            notRemoved.push({ ...bytesToJson('id', id), state: result?.state ?? null });
          } else notes.add(id, result?.state);
        }
      }
    });
    notes.end(count);
    if (flags.json) await this.printJson({ removed, notRemoved });
    if (count === 0) this.endWith(1);
  }
}
