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
  static override summary = 'Find everything that is wrong with a store; --fix repairs it.';
  static override description = `Checks every job, record and setting, in small steps that do not block other clients, and changes nothing. For each problem it prints how many there are, some examples, what it means, and the command that fixes it.
With --fix it repairs what can be repaired automatically, and checks before each step that the problem still exists. A job that can be saved is not removed; what is removed is first kept in a file. Settings, disks and keys of other programs are left to you.
Exit code 1 if an error is left, 0 if there is none or only warnings.`;
  static override usage = [
    'doctor [TOPIC...] [flags]',
    'doctor [TOPIC...] --fix [--dry-run] [flags]',
    'doctor --gather FILE [flags]',
  ];
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --fix --dry-run',
    '<%= config.bin %> doctor --fix --yes',
    '<%= config.bin %> doctor --gather report.json',
  ];
  static override args = {
    topic: Args.string({
      multiple: true,
      description: 'check only the jobs of these topics; the store itself is checked too',
    }),
  };
  static override flags = {
    fix: Flags.boolean({ description: 'repair what can be repaired automatically' }),
    'dry-run': Flags.boolean({
      description: 'print what --fix would repair, without changing anything',
      dependsOn: ['fix'],
    }),
    yes: Flags.boolean({ description: 'do not ask for confirmation', dependsOn: ['fix'] }),
    output: Flags.option({ options: FORMATS })({ description: 'print a table, or JSON as with --json' }),
    gather: Flags.string({
      helpValue: 'FILE',
      description:
        'write a report for somebody else to a new FILE: versions, settings, counts and findings; no bodies, no passwords',
      exclusive: ['fix', 'output'],
    }),
    names: Flags.boolean({
      description: 'include ids, topics and keys in the report',
      dependsOn: ['gather'],
    }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Doctor);
    const { fix, yes, gather: file, base64 } = flags;
    const dryRun = flags['dry-run'];
    if (fix && !yes && !dryRun) assertCanAsk();
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
