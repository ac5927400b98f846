import { chmodSync, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DelayerError } from '../../core/errors.js';
import { WholeFile } from '../../output/jobs-file.js';
import { makeFolder } from '../../output/make-folder.js';
import { storeLabel } from '../../storage/open.js';
import { type ConfigFile, configPath, fromFolder, parseConfig, type StoreSettings } from './config-file.js';

/**
 * Changes the config file in one step: it holds either all that it held before or all of the new settings. A new one
 * can be read by this user alone.
 * @param change makes the new content of the old
 * @returns the path
 * @throws DelayerError `config_invalid` where there is no home, or where the file is wrong already; OutputError where
 *   it cannot be written; what `change` throws
 */
export async function changeConfig(
  change: (config: ConfigFile) => ConfigFile | Promise<ConfigFile>,
): Promise<string> {
  const path = configPath();
  if (path === undefined)
    throw new DelayerError('config_invalid', 'There is no home directory for a config file', {
      hint: 'Set HOME or XDG_CONFIG_HOME, or name a file in DELAYER_CONFIG.',
    });
  const isThere = existsSync(path);
  const config = await change(isThere ? parseConfig(path) : {});
  if (!isThere) makeFolderOf(path);
  const mode = isThere ? statSync(path).mode : undefined;
  const file = new WholeFile(path);
  try {
    await file.write(Buffer.from(`${JSON.stringify(config, undefined, 2)}\n`));
    await file.finish();
  } catch (error) {
    file.discard();
    throw error;
  }
  // Others may have been allowed to read it.
  if (mode !== undefined) chmodSync(realpathSync(path), mode);
  return path;
}

function makeFolderOf(path: string): void {
  try {
    makeFolder(dirname(path), 0o700);
  } catch (error) {
    throw new DelayerError(
      'output_failed',
      `cannot make the folder of ${path}: ${(error as Error).message}`,
      {
        hint: 'Name another file in DELAYER_CONFIG.',
        cause: error,
      },
    );
  }
}

/**
 * Sets what is given in a context, or beside the contexts; an empty text removes a setting. Relative paths start from
 * the working directory, as in a shell.
 * @throws DelayerError `config_invalid` for a URL that is none; `usage` for a new context without a store
 */
export async function applySettings(
  config: ConfigFile,
  name: string | undefined,
  given: StoreSettings,
): Promise<ConfigFile> {
  if (given.store) await storeLabel(given.store);
  if (name === undefined) return merge(config, given);
  const { contexts = {} } = config;
  const { store, ...settings } = merge(Object.hasOwn(contexts, name) ? contexts[name] : undefined, given);
  if (store === undefined)
    throw new DelayerError('usage', `the context ${JSON.stringify(name)} has no store`, {
      hint: 'Give --store URL.',
    });
  return { ...config, contexts: { ...contexts, [name]: { store, ...settings } } };
}

function merge<T extends StoreSettings>(
  old: T | undefined,
  given: StoreSettings,
): Partial<T> & StoreSettings {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const all = { ...old, ...fromFolder(Object.fromEntries(set), process.cwd()) };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')) as Partial<T>;
}
