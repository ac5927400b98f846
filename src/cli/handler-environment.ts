import { resolve } from 'node:path';
import { DEFAULT_PREFIX } from '../storage/open.js';
import { setting } from './config/environment.js';
import { readSettings, type StoreFlags } from './config/settings.js';

/**
 * Variables about its own job that this drain was given, if it is itself run by a handler. They are not passed on.
 */
const OF_A_JOB = /^DELAYER_(ID|TOPIC|ATTEMPT|DUE_AT|LEASE|KEY)(_BASE64)?$/;
const FILES = ['DELAYER_CONFIG', 'DELAYER_REDIS_PASSWORD_FILE'];
const PASSWORD = /^DELAYER_\w*PASSWORD$/;

/**
 * The environment that all handlers share: that of this process, with the store that it works on. A delayer in a
 * handler reaches that store or fails, also when the handler changes its folder. Passwords are removed.
 */
export function handlerEnvironment(flags: StoreFlags): Record<string, string> {
  const { store, prefix, passwordFile } = readSettings(flags);
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !OF_A_JOB.test(name) && !PASSWORD.test(name)) env[name] = value;
  }
  env.DELAYER_STORE = storeForHandlers(store);
  env.DELAYER_PREFIX = prefix ?? DEFAULT_PREFIX;
  for (const name of FILES) {
    const path = setting(name);
    if (path !== undefined) env[name] = resolve(path);
  }
  if (passwordFile !== undefined) env.DELAYER_REDIS_PASSWORD_FILE = resolve(passwordFile);
  return env;
}

/** The store URL without its password; a file by its absolute path. */
function storeForHandlers(store: string): string {
  const path = /^sqlite:(?:\/\/(?=\/))?(.*)$/is.exec(store)?.[1];
  if (path !== undefined) return `sqlite:${resolve(path)}`;
  return store.replace(
    /^(rediss?(?:\+unix)?:\/\/)([^:@/]*)(?::[^/]*)?@/i,
    (_, scheme: string, user: string) => (user === '' ? scheme : `${scheme}${user}@`),
  );
}
