import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { assertCanAsk } from '../cli/confirm.js';
import { gather, runDoctor } from '../cli/doctor.js';
import { Interruption } from '../cli/signals.js';

/** The version; oclif's configuration is not loaded for it. */
const readPackage = (root: string) =>
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };

const FORMATS = ['table', 'json'] as const;

export default class Doctor extends BaseCommand {
  static override summary = 'Find everything that is wrong with a store, and mend it.';
  static override description = `Looks at every job, record and setting, in steps that hold nobody up, and changes nothing. For each thing that is wrong it tells how many there are, some of them, what it means, and the command that mends it.
With --fix it mends what a program can, each in a step that looks again whether it is still so; a job that can be saved is not removed, and what is removed is kept in a file first. Settings, disks and keys of others are for you.
Exit code 1 when an error is left, 0 when there is none, or warnings alone.`;
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --fix --dry-run',
    '<%= config.bin %> doctor --fix --yes',
    '<%= config.bin %> doctor --gather report.json',
  ];
  static override args = {
    topic: Args.string({
      multiple: true,
      description: 'jobs of these topics alone; what is of the store is looked at too',
    }),
  };
  static override flags = {
    fix: Flags.boolean({ description: 'mend what a program can' }),
    'dry-run': Flags.boolean({ description: 'tell what --fix would mend', dependsOn: ['fix'] }),
    yes: Flags.boolean({ description: 'mend without asking', dependsOn: ['fix'] }),
    output: Flags.option({ options: FORMATS })({ description: 'table, or json: as --json' }),
    gather: Flags.string({
      helpValue: 'FILE',
      description:
        'write what a colleague needs into a new file: versions, settings, counts, findings; no bodies, no passwords',
      exclusive: ['fix', 'output'],
    }),
    names: Flags.boolean({
      description: 'write ids, topics and keys into it as well',
      dependsOn: ['gather'],
    }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Doctor);
    const { fix, yes, gather: file, base64 } = flags;
    const dryRun = flags['dry-run'];
    if (fix && !yes && !dryRun) assertCanAsk('a store is mended');
    const named = (args.topic ?? []).map((text) => this.toBytes(text, base64));
    const topics = named.length === 0 ? undefined : named;
    this.interruption = fix ? new Interruption() : undefined;
    const signal = this.interruption?.signal ?? new AbortController().signal;
    await this.withQueue(flags, async (queue) => {
      const site = { label: queue.label, flags };
      if (file !== undefined) {
        const { version } = readPackage(this.root);
        this.endWith(await gather(queue, { file, version, withNames: flags.names, site }));
        return;
      }
      const json = flags.json || flags.output === 'json';
      this.endWith(await runDoctor(queue, { topics, json, fix, dryRun, yes, site, signal }));
    });
  }
}
