import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { selected } from '../bulk/sweep.js';
import { NotesOfMissing } from '../cli/act-on-ids.js';
import { countBehindDashes } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { EXPORTED_STATES, type ExportPart, runExport } from '../cli/export-jobs.js';
import { readIds } from '../cli/input/ids.js';
import { assertRegularFile } from '../cli/regular-file.js';
import { runMove } from '../cli/move-jobs.js';
import { Interruption } from '../cli/signals.js';
import { printNote } from '../cli/stderr.js';
import { tellOfFailed } from '../cli/where.js';
import { assertNoSelection, isSelecting, selectionFlags, toSelected } from '../cli/selection-flags.js';
import { DelayerError } from '../core/errors.js';
import type { JobState } from '../core/job.js';
import type { Queue } from '../core/queue.js';

/** Ids read at a time. */
const CHUNK_IDS = 250;

export default class Export extends BaseCommand {
  static override summary = 'Print jobs as lines of JSON, from which import restores them unchanged.';
  static override description = `Prints the selected jobs, or all, with everything that is known of them; dead letters with their history too. On stdout nothing marks the end: a FILE of --output-file is whole, while import takes one made with > for whole, even if export was killed. Leased and expired jobs are left out unless --state names these states.
A job that changes its state meanwhile is printed once, or twice if it returns to the queue; import recognizes it by its id. With --move, in steps, each job is removed from the store once it is in FILE and synced to disk; until then no consumer gets it. To continue a move that was interrupted, run the same command again; until then import refuses its FILE.
Exit code 1 if no job matches.`;
  static override usage = ['export [SELECTION] [flags]', 'export ID... [flags]'];
  static override examples = [
    `<%= config.bin %> export --topic 'orders*' --output-file orders.ndjson`,
    '<%= config.bin %> export --output-file jobs.ndjson.gz --gzip',
    '<%= config.bin %> export --state dead --older-than 7d',
    '<%= config.bin %> export 32 33',
    `<%= config.bin %> export --topic 'orders*' --move --output-file orders.ndjson`,
  ];
  static override args = {
    id: Args.string({ multiple: true, description: 'ids; - reads them from stdin, one per line' }),
  };
  static override flags = {
    ...selectionFlags,
    'output-file': Flags.string({
      helpValue: 'FILE',
      description: 'write to FILE, atomically and with mode 0600; an existing FILE is replaced at the end',
    }),
    gzip: Flags.boolean({ description: 'compress the output with gzip' }),
    move: Flags.boolean({
      description: 'move the jobs: remove each from the store once it is in FILE and synced to disk',
      dependsOn: ['output-file'],
      exclusive: ['gzip'],
    }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Export);
    const ids = args.id ?? [];
    if (ids.length > 0) assertNoSelection(flags, this.usage);
    const toBytes = (text: string) => this.toBytes(text, flags.base64);
    const select = await toSelected(flags, { states: EXPORTED_STATES, toBytes });
    const file = flags['output-file'];
    if (file !== undefined) assertRegularFile(file, '--output-file');
    if (flags.move && file !== undefined) {
      assertMovable(ids, flags.state);
      const { signal } = (this.interruption = new Interruption());
      const how = { file, json: flags.json, signal };
      this.endWith(await this.withQueue(flags, async (queue) => runMove(queue, await select(queue), how)));
      return;
    }
    const target = { file, gzip: flags.gzip };
    await this.withQueue(flags, async (queue) => {
      const through = ids.length > 0 ? undefined : await select(queue);
      const missing = new NotesOfMissing('exported');
      const parts = through ? selected(queue, through) : this.named(queue, ids, flags.base64, missing);
      const { count, exitCode } = await runExport(queue, parts, target);
      tellOfFailed(through?.where);
      missing.end();
      const isAsked = ids.length > 0 || isSelecting(flags);
      if (count === 0 && isAsked)
        printNote(through ? 'no job matches' : 'no job has such an id; to select a topic, use --topic');
      this.endWith(exitCode !== 0 ? exitCode : count === 0 && isAsked ? 1 : 0);
    });
  }

  /** All jobs of each id, without expired ones. */
  private async *named(
    queue: Queue,
    ids: string[],
    base64: boolean,
    missing: NotesOfMissing,
  ): AsyncGenerator<ExportPart> {
    const literalCount = countBehindDashes(this.argv);
    const toBytes = (text: string) => this.toBytes(text, base64);
    for await (const some of readIds(ids, literalCount, CHUNK_IDS, toBytes, base64)) {
      for (const id of some) {
        const found = await queue.find(id);
        const jobs = found.filter(({ state }) => EXPORTED_STATES.includes(state));
        if (jobs.length === 0) missing.add(id, found[0]?.state);
        yield { jobs };
      }
    }
  }
}

/** @throws DelayerError `usage` for jobs that cannot be moved */
function assertMovable(ids: readonly string[], states: readonly JobState[] | undefined): void {
  if (ids.length > 0)
    throw new DelayerError('usage', 'ID and --move cannot be used together', {
      hint: 'Select the jobs: --id-glob, --topic, --state.',
    });
  if (states?.includes('leased') === true)
    throw new DelayerError('usage', 'leased jobs cannot be moved', {
      hint: 'Leave leased out of --state.',
    });
}
