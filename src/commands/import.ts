import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { runImport } from '../cli/import-jobs.js';
import { shift } from '../cli/flags.js';
import { DelayerError } from '../core/errors.js';

export default class Import extends BaseCommand {
  static override summary = 'Restore the jobs of an export, or jobs that were removed, as they were.';
  static override description = `FILE (or stdin) holds one job per line, as JSON, compressed by gzip or not. Each job keeps its due time, expiry, attempts, history and key; dead letters stay dead letters, and leased jobs become ready.
To continue an import that was interrupted, run it again: it does not restore jobs that were delivered meanwhile. This needs a FILE, and is remembered for 30 days.
An invalid line is reported, and the other lines are imported. Exit code 65 if a line is invalid, an id exists with other content, or the file is truncated, which is known of files that --output-file or a removal wrote, not of the stdout of export.`;
  static override usage = 'import [FILE] [flags]';
  static override examples = [
    '<%= config.bin %> import jobs.ndjson',
    '<%= config.bin %> export | <%= config.bin %> import --store redis://other',
    '<%= config.bin %> import jobs.ndjson.gz --map-topic orders=orders_test --shift +1h',
  ];
  static override args = { file: Args.string({ description: 'the file; stdin when absent or -' }) };
  static override flags = {
    replace: Flags.boolean({ description: 'overwrite jobs of the same id', exclusive: ['if-absent'] }),
    'if-absent': Flags.boolean({ description: 'leave jobs of the same id unchanged, and exit with 0' }),
    'map-topic': Flags.string({
      multiple: true,
      helpValue: 'FROM=TO',
      description: 'jobs of topic FROM become jobs of topic TO',
    }),
    shift: shift('shift')({
      description: 'shift due times and expiry times: +1h, -30m; those of dead letters stay unchanged',
    }),
    partial: Flags.boolean({ description: 'import what a truncated file holds' }),
    again: Flags.boolean({ description: 'import a file from the beginning that was imported before' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Import);
    const topics = new Map<string, Buffer>();
    for (const text of flags['map-topic'] ?? []) {
      const [from, to] = this.toMapping(text, flags.base64);
      const name = from.toString('latin1');
      if (topics.get(name)?.equals(to) === false)
        throw new DelayerError(
          'usage',
          `--map-topic gives two topics for ${JSON.stringify(from.toString())}`,
          {
            hint: 'Give each topic once.',
          },
        );
      topics.set(name, to);
    }
    const how = {
      onExisting: flags.replace
        ? ('replace' as const)
        : flags['if-absent']
          ? ('keep' as const)
          : ('refuse' as const),
      ...{ topics, shiftMs: flags.shift ?? 0, partial: flags.partial, again: flags.again, json: flags.json },
      storeFlags: flags,
      changeWords: [
        ...(flags['map-topic'] ?? []).map((text) => `--map-topic=${text}`),
        ...(flags.base64 ? ['--base64'] : []),
        ...(flags.shift === undefined ? [] : [`--shift=${flags.shift}ms`]),
      ],
    };
    this.endWith(await this.withQueue(flags, (queue) => runImport(queue, args.file, how)));
  }

  /** The first equals sign separates the two; in base64, the first one with whole bytes before it. */
  private toMapping(text: string, base64: boolean): [from: Buffer, to: Buffer] {
    const [, from, to] = (base64 ? /^((?:.{4})+?)=(.+)$/ : /^([^=]+)=(.+)$/).exec(text) ?? [];
    if (from !== undefined && to !== undefined) return [this.toBytes(from, base64), this.toBytes(to, base64)];
    throw new DelayerError('usage', `invalid value for --map-topic: ${JSON.stringify(text)}`, {
      hint: 'Write FROM=TO.',
    });
  }
}
