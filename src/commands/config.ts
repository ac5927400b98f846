import { BaseCommand } from '../cli/base-command.js';
import { contextOf } from '../cli/config/config-file.js';
import { setting } from '../cli/config/environment.js';
import { viewSettings } from '../cli/config/view-settings.js';
import { applySettings, changeConfig } from '../cli/config/write-config.js';
import { nearest } from '../cli/nearest.js';
import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { printInfo, printNote } from '../cli/stderr.js';
import { loadTable, tableWidth } from '../cli/tables.js';
import { DelayerError } from '../core/errors.js';
import { writeStdout } from '../output/stdout.js';

/** Each with the flags that it takes. */
const ACTIONS = {
  show: ['store', 'context', 'prefix'],
  set: ['store', 'prefix', 'password-file'],
  use: ['none'],
  remove: [],
} as const;
type Action = keyof typeof ACTIONS;

interface Given {
  readonly store?: string | undefined;
  readonly context?: string | undefined;
  readonly prefix?: string | undefined;
  readonly 'password-file'?: string | undefined;
  readonly none: boolean;
  readonly json: boolean;
}

export default class Config extends BaseCommand {
  static override summary = 'Show which store commands use and why, and give stores names: contexts.';
  static override description = `A context is a store with its prefix and password file, under a name in the config file; --context NAME chooses it.
config set NAME adds or changes a context; without NAME it changes the store that counts where no context is chosen. An empty value removes a setting.
config use NAME makes a context the one that commands use where neither --store, --context nor DELAYER_STORE names a store; config use --none ends this.
config remove NAME removes a context that is not the chosen one. The jobs in a store are not affected.`;
  static override usage = [
    'config [flags]',
    'config set [NAME] [--store URL] [--prefix PREFIX] [--password-file FILE]',
    'config use NAME',
    'config use --none',
    'config remove NAME',
  ];
  static override examples = [
    '<%= config.bin %> config',
    '<%= config.bin %> config set prod --store rediss://db.internal --password-file /etc/delayer/password',
    '<%= config.bin %> config --context prod',
    '<%= config.bin %> config use prod',
  ];
  static override args = {
    action: Args.string({ options: Object.keys(ACTIONS), description: '[default: show]' }),
    name: Args.string({ description: 'the name of a context' }),
  };
  static override flags = {
    'password-file': Flags.string({
      helpValue: 'FILE',
      description: 'set: a file that holds the password of Redis',
    }),
    none: Flags.boolean({ description: 'use: choose no context' }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Config);
    const action = toAction(args.action);
    assertFlags(action, flags);
    if (action === 'show') {
      if (args.name !== undefined)
        throw new DelayerError('usage', 'config show takes no name', {
          hint: 'Write --context NAME to see what it chooses.',
        });
      return this.show(flags);
    }
    const { path, done } =
      action === 'set' ? await this.set(args.name, flags) : await this.choose(action, args.name, flags);
    if (flags.json) await this.printJson({ configFile: path, context: args.name ?? null });
    printInfo(`${done} in ${path}`);
  }

  private async show(flags: Given): Promise<void> {
    const view = await viewSettings(flags);
    if (flags.json) return this.printJson(view);
    const { settingsCard } = await loadTable(() => import('../output/settings-card.js'));
    await writeStdout(settingsCard(view, tableWidth()));
  }

  private async set(name: string | undefined, flags: Given) {
    const { store, prefix, 'password-file': passwordFile } = flags;
    if ([store, prefix, passwordFile].every((value) => value === undefined))
      throw new DelayerError('usage', 'nothing to set', {
        hint: 'Give --store URL, --prefix PREFIX or --password-file FILE.',
      });
    if (name !== undefined) assertName(name);
    this.warnOfPassword(store);
    const path = await changeConfig((config) => applySettings(config, name, { store, prefix, passwordFile }));
    return { path, done: name === undefined ? 'set' : `set the context ${name}` };
  }

  private async choose(action: 'use' | 'remove', name: string | undefined, { none }: Given) {
    if (none && name !== undefined)
      throw new DelayerError('usage', 'a NAME and --none cannot be used together', {
        hint: 'Leave one of them out.',
      });
    if (!none && name === undefined) throw this.missing('NAME');
    const path = await changeConfig(({ context, contexts, ...config }) => {
      if (name === undefined) return { ...config, ...(contexts && { contexts }) };
      contextOf({ contexts }, name);
      if (action === 'use') return { ...config, contexts, context: name };
      // Commands that name no store would use another one from now on.
      if (context === name)
        throw new DelayerError('usage', `the context ${name} is the chosen one`, {
          hint: 'Choose another first: `delayer config use NAME`, or `delayer config use --none`.',
        });
      const others = Object.entries(contexts ?? {}).filter(([one]) => one !== name);
      return { ...config, ...(context !== undefined && { context }), contexts: Object.fromEntries(others) };
    });
    if (action === 'use' && !none && setting('DELAYER_STORE') !== undefined)
      printNote('DELAYER_STORE is set, and chooses the store before the config file does');
    const done =
      action === 'remove'
        ? `removed the context ${name}`
        : `chose ${name === undefined ? 'no context' : `the context ${name}`}`;
    return { path, done };
  }
}

function toAction(given = 'show'): Action {
  if (Object.hasOwn(ACTIONS, given)) return given as Action;
  const meant = nearest(given, Object.keys(ACTIONS));
  throw new DelayerError('usage', `unknown action of config: ${JSON.stringify(given)}`, {
    hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}The actions are ${Object.keys(ACTIONS).join(', ')}.`,
  });
}

/** Refuses flags that the action would ignore. */
function assertFlags(action: Action, flags: Given): void {
  const taken: readonly string[] = ACTIONS[action];
  const unused = (['store', 'context', 'prefix', 'password-file', 'none'] as const).find(
    (name) => flags[name] !== undefined && flags[name] !== false && !taken.includes(name),
  );
  if (unused === undefined) return;
  throw new DelayerError('usage', `config ${action} takes no --${unused}`, {
    hint: unused === 'context' ? 'Write the name of the context as an argument.' : 'Leave it out.',
  });
}

/** Refuses names that could not be typed after --context, or that would look like a flag. */
function assertName(name: string): void {
  if (/^(?!-)[^\s\p{Cc}]+$/u.test(name)) return;
  throw new DelayerError('usage', `${JSON.stringify(name)} cannot be the name of a context`, {
    hint: 'A name has no spaces, and does not begin with a dash.',
  });
}
