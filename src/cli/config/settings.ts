import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { DelayerError } from '../../core/errors.js';

/** What the flags, the environment and the config file say, under the names that docs/commands.md lists. */
export interface Settings {
  readonly store: string;
  /** True when nobody named a store. */
  readonly isDefaultStore: boolean;
  readonly prefix?: string | undefined;
  readonly password?: string | undefined;
}

/** What the flags say about the store. */
export interface StoreFlags {
  /** How often (ms) a wait polls where Redis may not tell of changes. */
  readonly interval?: number | undefined;
  /** How long (ms) the command may wait for a file that another process is migrating. */
  readonly openTimeoutMs?: number | undefined;
  readonly store?: string | undefined;
  readonly prefix?: string | undefined;
  /** From a file given to the command: no flag takes a password. */
  readonly password?: string | undefined;
}

interface ConfigFile {
  readonly store?: string;
  readonly prefix?: string;
  readonly passwordFile?: string;
}

/**
 * Chooses the store: the flag, else DELAYER_STORE, else the config file, else the embedded store. Never
 * falls back from one that was named.
 * @throws DelayerError `config_invalid`
 */
export function readSettings(flags: StoreFlags): Settings {
  const config = readConfigFile();
  const named = flags.store ?? setting('DELAYER_STORE') ?? config.store;
  return {
    store: named ?? `sqlite:${join(dataFolder(), 'queue.db')}`,
    isDefaultStore: named === undefined,
    prefix: flags.prefix ?? setting('DELAYER_PREFIX') ?? config.prefix,
    password: /^rediss?(\+unix)?:/.test(named ?? '')
      ? (flags.password ?? readPassword(named === config.store ? config : {}))
      : undefined,
  };
}

/** Does the user want colours? https://no-color.org */
export function wantsColour(): boolean {
  return (process.env.NO_COLOR ?? '') === '';
}

/** For terminals that do not say. */
const DEFAULT_WIDTH = 80;
const DEFAULT_HEIGHT = 24;

/** Columns of the terminal on stdout. */
export function terminalWidth(): number {
  // Some terminals answer 0.
  return process.stdout.columns || DEFAULT_WIDTH;
}

/** Rows of the terminal. */
export function terminalHeight(): number {
  return process.stdout.rows || DEFAULT_HEIGHT;
}

/** An environment variable; one that is empty is not set. */
function setting(name: string): string | undefined {
  return process.env[name] === '' ? undefined : process.env[name];
}

/** A folder of the user's, or undefined where there is no home. */
function userFolder(name: string, ...inHome: string[]): string | undefined {
  const set = setting(name);
  // The XDG specification says to ignore relative paths.
  if (set !== undefined && isAbsolute(set)) return join(set, 'delayer');
  const home = homeFolder();
  return home && join(home, ...inHome, 'delayer');
}

/** Undefined where HOME is empty, or not set for a user without an entry in passwd, as in a container. */
export function homeFolder(): string | undefined {
  try {
    return isAbsolute(homedir()) ? homedir() : undefined;
  } catch {
    return undefined;
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

function configPath(): string | undefined {
  const folder = userFolder('XDG_CONFIG_HOME', '.config');
  return setting('DELAYER_CONFIG') ?? (folder && join(folder, 'config.json'));
}

/** Reads `{"store", "prefix", "passwordFile"}`; all of them may be absent, and so may the file. */
function readConfigFile(): ConfigFile {
  const path = configPath();
  // Checked before reading: throwing and catching an error would cost every command half a millisecond.
  if (path === undefined || (setting('DELAYER_CONFIG') === undefined && !existsSync(path))) return {};
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw wrongConfig(path, `cannot be read: ${(error as Error).message}`);
  }
  if (text === '') return {};
  let config: unknown;
  try {
    // Some editors begin a file with a byte order mark.
    config = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw wrongConfig(path, 'is not valid JSON');
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw wrongConfig(path, 'is not a JSON object');
  for (const [name, value] of Object.entries(config)) {
    if (!['store', 'prefix', 'passwordFile'].includes(name)) {
      throw wrongConfig(path, `has an unknown field ${JSON.stringify(name)}`);
    }
    if (typeof value !== 'string')
      throw wrongConfig(path, `has a ${JSON.stringify(name)} that is not a string`);
  }
  return fromFolder(config, dirname(path));
}

/** Relative paths in a config file start from its own folder. */
function fromFolder({ store, passwordFile, ...rest }: ConfigFile, folder: string): ConfigFile {
  const file = /^sqlite:(?=[^/:~?])(?!file:)(.+)$/i.exec(store ?? '')?.[1];
  return {
    ...rest,
    ...(store === undefined ? {} : { store: file === undefined ? store : `sqlite:${join(folder, file)}` }),
    ...(passwordFile === undefined ? {} : { passwordFile: resolve(folder, passwordFile) }),
  };
}

function wrongConfig(path: string, what: string): DelayerError {
  return new DelayerError('config_invalid', `The config file ${path} ${what}`, {
    hint: 'It is a JSON object with "store", "prefix" and "passwordFile", each optional.',
  });
}

function readPassword(config: ConfigFile): string | undefined {
  const password = setting('DELAYER_REDIS_PASSWORD');
  if (password !== undefined) return password;
  const path = setting('DELAYER_REDIS_PASSWORD_FILE') ?? config.passwordFile;
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new DelayerError(
      'config_invalid',
      `The password file ${path} cannot be read: ${(error as Error).message}`,
      {
        hint: 'Name a file that this user may read and that holds the password and nothing else.',
      },
    );
  }
}
