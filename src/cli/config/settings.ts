import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DelayerError } from '../../core/errors.js';
import { type ConfigFile, contextOf, readConfigFile, type StoreSettings } from './config-file.js';
import { setting, userFolder } from './environment.js';

/** What chose the store: `context` is --context, `current` the context that the config file chooses. */
export type StoreOrigin = 'flag' | 'context' | 'environment' | 'current' | 'config' | 'default';

/** What the flags, the environment and the config file say, under the names that docs/commands.md lists. */
export interface Settings {
  readonly store: string;
  readonly storeFrom: StoreOrigin;
  /** The name of the context that chose the store. */
  readonly context?: string | undefined;
  readonly prefix?: string | undefined;
  /** A password that the environment gives, or a flag's file; a password file is read by `readPassword`. */
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** What the flags say about the store. */
export interface StoreFlags {
  /** How often (ms) a wait polls where Redis may not tell of changes. */
  readonly interval?: number | undefined;
  /** How long (ms) the command may wait for a file that another process is migrating. */
  readonly openTimeoutMs?: number | undefined;
  readonly store?: string | undefined;
  /** The name of a context in the config file. */
  readonly context?: string | undefined;
  readonly prefix?: string | undefined;
  /** From a file given to the command: no flag takes a password. */
  readonly password?: string | undefined;
}

/**
 * Chooses the store: --store, else --context, else DELAYER_STORE, else the config file, else the embedded store.
 * Never falls back from one that was named.
 * @throws DelayerError `usage` for a context that the config file does not have; `config_invalid`
 */
export function readSettings(flags: StoreFlags): Settings {
  const chosen = chooseStore(flags, readConfigFile());
  if (/^rediss?(\+unix)?:/.test(chosen.store))
    return { ...chosen, password: flags.password ?? chosen.password };
  return { ...chosen, password: undefined, passwordFile: undefined };
}

function chooseStore({ store, context, prefix }: StoreFlags, config: ConfigFile): Settings {
  const password = setting('DELAYER_REDIS_PASSWORD');
  const environment = {
    store: setting('DELAYER_STORE'),
    prefix: prefix ?? setting('DELAYER_PREFIX'),
    password,
    passwordFile: password === undefined ? setting('DELAYER_REDIS_PASSWORD_FILE') : undefined,
  };
  if (store === undefined && context !== undefined) {
    const named = contextOf(config, context);
    // DELAYER_PREFIX was set for another store; and with a wrong prefix, a queue looks empty.
    const chosen = {
      ...environment,
      ...named,
      prefix: prefix ?? named.prefix,
      storeFrom: 'context',
      context,
    } as const;
    return named.passwordFile === undefined ? chosen : { ...chosen, password: undefined };
  }
  /** With what the config file says of the store beside it. */
  const withConfig = (of: StoreSettings) => ({
    ...environment,
    prefix: environment.prefix ?? of.prefix,
    passwordFile: environment.passwordFile ?? (password === undefined ? of.passwordFile : undefined),
  });
  const named = store ?? environment.store;
  if (named !== undefined) {
    const { prefix, passwordFile } = config;
    const of = named === config.store ? { prefix, passwordFile } : { prefix };
    return { ...withConfig(of), store: named, storeFrom: store === undefined ? 'environment' : 'flag' };
  }
  if (config.context !== undefined) {
    const current = contextOf(config, config.context);
    return { ...withConfig(current), store: current.store, storeFrom: 'current', context: config.context };
  }
  if (config.store !== undefined) return { ...withConfig(config), store: config.store, storeFrom: 'config' };
  return {
    ...withConfig({ prefix: config.prefix }),
    store: `sqlite:${join(dataFolder(), 'queue.db')}`,
    storeFrom: 'default',
  };
}

/**
 * The password of Redis, from the environment or a file.
 * @returns undefined where none is given apart from the URL
 * @throws DelayerError `config_invalid` where the file cannot be read
 */
export function readPassword({ password, passwordFile }: Settings): string | undefined {
  if (password !== undefined || passwordFile === undefined) return password;
  try {
    return readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new DelayerError(
      'config_invalid',
      `The password file ${passwordFile} cannot be read: ${(error as Error).message}`,
      {
        hint: 'Name a file that this user may read and that holds the password and nothing else.',
      },
    );
  }
}

function dataFolder(): string {
  const folder = userFolder('XDG_DATA_HOME', '.local', 'share');
  if (folder !== undefined) return folder;
  throw new DelayerError('config_invalid', 'There is no home directory to keep jobs in', {
    hint: 'Name a store with --store or DELAYER_STORE, or set HOME.',
  });
}

/** Where a command keeps the jobs that it removes. @throws DelayerError `output_failed` where there is no home */
export function removedFolder(): string {
  const folder = userFolder('XDG_STATE_HOME', '.local', 'state');
  if (folder !== undefined) return join(folder, 'removed');
  throw new DelayerError('output_failed', 'There is no home directory to keep removed jobs in', {
    hint: 'Set XDG_STATE_HOME or HOME, or add --no-archive to remove them without a copy.',
  });
}
