import { DelayerError } from '../../core/errors.js';
import type { SettingsView } from '../../output/settings-card.js';
import { DEFAULT_PREFIX, storeLabel } from '../../storage/open.js';
import { configPath, type ConfigFile, readConfigFile } from './config-file.js';
import { readSettings, type Settings, type StoreFlags, type StoreOrigin } from './settings.js';

const CHOSEN_BY: Record<StoreOrigin, string> = {
  flag: '--store',
  context: '--context',
  environment: 'DELAYER_STORE',
  current: 'config file',
  config: 'config file',
  default: 'default',
};

/**
 * The settings that these flags, the environment and the config file give a command.
 * @throws DelayerError as `readSettings`; a URL that is wrong is shown, and throws none
 */
export async function viewSettings(flags: StoreFlags): Promise<SettingsView> {
  const settings = readSettings(flags);
  return {
    ...(await labelOrProblem(settings.store)),
    chosenBy: CHOSEN_BY[settings.storeFrom],
    context: settings.context,
    prefix: settings.prefix ?? DEFAULT_PREFIX,
    passwordFrom: passwordFrom(settings),
    configFile: configPath() ?? null,
    contexts: await viewContexts(readConfigFile()),
  };
}

function viewContexts({ context, contexts = {} }: ConfigFile) {
  return Promise.all(
    Object.entries(contexts).map(async ([name, { store, prefix, passwordFile }]) => ({
      name,
      ...(await labelOrProblem(store)),
      prefix: prefix ?? DEFAULT_PREFIX,
      passwordFile,
      isCurrent: name === context,
    })),
  );
}

async function labelOrProblem(url: string): Promise<{ store: string | null; problem?: string }> {
  try {
    return { store: await storeLabel(url) };
  } catch (error) {
    if (error instanceof DelayerError) return { store: null, problem: error.message };
    throw error;
  }
}

function passwordFrom({ password, passwordFile }: Settings): string | undefined {
  return password === undefined ? passwordFile : 'DELAYER_REDIS_PASSWORD';
}
