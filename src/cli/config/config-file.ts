import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DelayerError } from '../../core/errors.js';
import { nearest } from '../nearest.js';
import { setting, userFolder } from './environment.js';

/** A store, and how to reach it. */
export interface StoreSettings {
  /** Its URL. */
  readonly store?: string | undefined;
  readonly prefix?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** A store that has a name. */
export interface Context extends StoreSettings {
  readonly store: string;
}

/** What the config file says. Its own `store`, `prefix` and `passwordFile` count where no context is chosen. */
export interface ConfigFile extends StoreSettings {
  /** The name of the context that counts where the user chooses no store. */
  readonly context?: string | undefined;
  readonly contexts?: Readonly<Record<string, Context>> | undefined;
}

const STORE_FIELDS = ['store', 'prefix', 'passwordFile'];

/** Where the config file is, or would be; undefined where there is no home. */
export function configPath(): string | undefined {
  const folder = userFolder('XDG_CONFIG_HOME', '.config');
  return setting('DELAYER_CONFIG') ?? (folder && join(folder, 'config.json'));
}

/**
 * Reads the config file, with paths relative to its folder made absolute; empty where there is none.
 * @throws DelayerError `config_invalid`, also where DELAYER_CONFIG names no file
 */
export function readConfigFile(): ConfigFile {
  const path = configPath();
  // Checked before reading: throwing and catching an error would cost every command half a millisecond.
  if (path === undefined || (setting('DELAYER_CONFIG') === undefined && !existsSync(path))) return {};
  const { contexts, ...config } = parseConfig(path);
  const folder = dirname(path);
  return {
    ...fromFolder(config, folder),
    ...(contexts === undefined
      ? {}
      : {
          contexts: Object.fromEntries(
            Object.entries(contexts).map(([name, context]) => [name, fromFolder(context, folder)]),
          ),
        }),
  };
}

/** @throws DelayerError `usage` for a context that the config file does not have */
export function contextOf({ contexts = {} }: ConfigFile, name: string): Context {
  const found = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (found !== undefined) return found;
  const names = Object.keys(contexts);
  const meant = nearest(name, names);
  throw new DelayerError('usage', `unknown context ${JSON.stringify(name)}`, {
    hint:
      names.length === 0
        ? 'The config file has no contexts; `delayer config set NAME --store URL` adds one.'
        : `${meant === undefined ? '' : `Did you mean ${meant}? `}The contexts are ${names.join(', ')}.`,
  });
}

/** What the config file at a path says, word for word. @throws DelayerError `config_invalid` */
export function parseConfig(path: string): ConfigFile {
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
  if (!isObject(config)) throw wrongConfig(path, 'is not a JSON object');
  const { context, contexts, ...settings } = config;
  assertSettings(path, 'has', settings);
  if (context !== undefined && typeof context !== 'string')
    throw wrongConfig(path, 'has a "context" that is not a string');
  if (contexts !== undefined && !isObject(contexts))
    throw wrongConfig(path, 'has "contexts" that are not a JSON object');
  for (const [name, settings] of Object.entries(contexts ?? {})) {
    const where = `has a context ${JSON.stringify(name)}`;
    if (!isObject(settings)) throw wrongConfig(path, `${where} that is not a JSON object`);
    assertSettings(path, `${where} with`, settings);
    if (settings.store === undefined) throw wrongConfig(path, `${where} without a "store"`);
  }
  if (context !== undefined && !Object.hasOwn(contexts ?? {}, context))
    throw wrongConfig(path, `chooses a context that it does not have: ${JSON.stringify(context)}`);
  return config;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function assertSettings(path: string, has: string, settings: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(settings)) {
    if (!STORE_FIELDS.includes(name))
      throw wrongConfig(path, `${has} an unknown field ${JSON.stringify(name)}`);
    if (typeof value !== 'string')
      throw wrongConfig(path, `${has} a ${JSON.stringify(name)} that is not a string`);
  }
}

/** Makes the paths absolute that are relative to a folder. */
export function fromFolder<T extends StoreSettings>(settings: T, folder: string): T {
  const { store, passwordFile } = settings;
  const file = /^sqlite:(?=[^/:~?])(?!file:)(.+)$/i.exec(store ?? '')?.[1];
  return {
    ...settings,
    ...(file === undefined ? {} : { store: `sqlite:${join(folder, file)}` }),
    ...(passwordFile ? { passwordFile: resolve(folder, passwordFile) } : {}),
  };
}

function wrongConfig(path: string, what: string): DelayerError {
  return new DelayerError('config_invalid', `The config file ${path} ${what}`, {
    hint: 'It is a JSON object with "store", "prefix", "passwordFile", "context" and "contexts", each optional; `delayer config` writes it.',
  });
}
