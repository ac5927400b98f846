import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DelayerError } from '../core/errors.js';

/** What the user's environment says, under the names that docs/commands.md lists. */
export interface Settings {
  readonly store: string;
  /** Was the store chosen by nobody? */
  readonly isDefaultStore: boolean;
  readonly prefix?: string | undefined;
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
export function readSettings(flags: { store?: string | undefined; prefix?: string | undefined }): Settings {
  const config = readConfigFile();
  const named = flags.store ?? setting('DELAYER_STORE') ?? config.store;
  return {
    store: named ?? `sqlite:${join(dataFolder(), 'queue.db')}`,
    isDefaultStore: named === undefined,
    prefix: flags.prefix ?? setting('DELAYER_PREFIX') ?? config.prefix,
    password: /^rediss?(\+unix)?:/.test(named ?? '')
      ? readPassword(named === config.store ? config : {})
      : undefined,
  };
}

/** Does the user want colours? https://no-color.org */
export function wantsColour(): boolean {
  return (process.env.NO_COLOR ?? '') === '';
}

/** An environment variable; one that is empty is not set. */
function setting(name: string): string | undefined {
  return process.env[name] === '' ? undefined : process.env[name];
}

function dataFolder(): string {
  return join(setting('XDG_DATA_HOME') ?? join(homedir(), '.local', 'share'), 'delayer');
}

function configPath(): string {
  return (
    setting('DELAYER_CONFIG') ??
    join(setting('XDG_CONFIG_HOME') ?? join(homedir(), '.config'), 'delayer', 'config.json')
  );
}

/** Reads `{"store", "prefix", "passwordFile"}`; all of them may be absent, and so may the file. */
function readConfigFile(): ConfigFile {
  const path = configPath();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && setting('DELAYER_CONFIG') === undefined)
      return {};
    throw wrongConfig(path, `cannot be read: ${(error as Error).message}`);
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    throw wrongConfig(path, 'is no JSON');
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw wrongConfig(path, 'is no JSON object');
  for (const [name, value] of Object.entries(config)) {
    if (!['store', 'prefix', 'passwordFile'].includes(name)) {
      throw wrongConfig(path, `holds ${JSON.stringify(name)}, which means nothing here`);
    }
    if (typeof value !== 'string') throw wrongConfig(path, `holds a ${JSON.stringify(name)} that is no text`);
  }
  return config;
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
        hint: 'Name a file that this user may read, with the password alone in it.',
      },
    );
  }
}
