import * as Flags from '../oclif/flags.js';
import type { StoreFlags } from '../config/settings.js';
import { positiveDuration } from '../flags.js';
import { readDaemonConfig } from './daemon-config.js';
import { type HttpFlags, httpFlags } from './http.js';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel, type LogOptions } from './log.js';

/** How late (ms) a push by another client may be noticed; the original daemon looks once a second. */
const INTERVAL_MS = 100;

export const serveFlags = {
  configuration: Flags.string({
    char: 'c',
    helpValue: 'FILE',
    description: 'read the delayer.conf of the original daemon; flags override it',
  }),
  interval: positiveDuration('interval')({
    description: 'look for due jobs at least every DURATION [default: 100ms]',
  }),
  once: Flags.boolean({
    description: 'do the work that is due now and exit: for cron and timers',
    exclusive: ['interval', 'no-wait'],
  }),
  repair: Flags.boolean({
    description:
      'on Redis, delete bodies that no key has referred to for five minutes; by default they are only reported',
    exclusive: ['once'],
  }),
  'no-wait': Flags.boolean({
    description: 'fail if the store cannot be reached at startup, instead of waiting for it',
  }),
  daemon: Flags.boolean({
    char: 'd',
    description: 'run in the background; exits with 0 once the daemon is up, else prints why it is not',
    exclusive: ['once'],
  }),
  'pid-file': Flags.string({
    helpValue: 'FILE',
    description: 'write the process id to FILE; a second daemon with the same FILE does not start',
    exclusive: ['once'],
  }),
  ...httpFlags,
  'access-log': Flags.string({
    helpValue: 'FILE',
    description: 'append info messages to FILE too, with the number of moved jobs at most once a second',
  }),
  'error-log': Flags.string({
    helpValue: 'FILE',
    description: 'append warnings and errors to FILE too',
  }),
  'log-format': Flags.option({
    options: LOG_FORMATS,
    description:
      'add time, level and process id to the lines on stderr, as text or as JSON [default: the message only]',
  })(),
  'log-level': Flags.option({
    options: LOG_LEVELS,
    default: 'info' as const,
    description: 'omit messages below this level',
  })(),
};

interface GivenFlags extends HttpFlags {
  readonly store?: string | undefined;
  readonly context?: string | undefined;
  readonly prefix?: string | undefined;
  readonly 'no-wait': boolean;
  readonly repair: boolean;
  readonly configuration?: string | undefined;
  readonly interval?: number | undefined;
  readonly 'pid-file'?: string | undefined;
  readonly 'access-log'?: string | undefined;
  readonly 'error-log'?: string | undefined;
  readonly 'log-format'?: LogFormat | undefined;
  readonly 'log-level': LogLevel;
  readonly quiet: boolean;
}

export interface ServeSettings extends StoreFlags, HttpFlags {
  readonly repairs: boolean;
  readonly waitsForStore: boolean;
  readonly intervalMs: number;
  readonly pidFile: string | undefined;
  readonly log: LogOptions;
  /** Notes to print about the configuration file. */
  readonly notes: readonly string[];
}

/**
 * The flags, else the configuration file.
 * @param signal ends the wait for a configuration from a FIFO; the settings are then of no use
 */
export async function readServeSettings(flags: GivenFlags, signal?: AbortSignal): Promise<ServeSettings> {
  const { configuration } = flags;
  const config = configuration === undefined ? undefined : await readDaemonConfig(configuration, signal);
  return {
    intervalMs: flags.interval ?? config?.intervalMs ?? INTERVAL_MS,
    http: flags.http,
    'http-host': flags['http-host'],
    waitsForStore: !flags['no-wait'],
    repairs: flags.repair,
    context: flags.context,
    prefix: flags.prefix,
    pidFile: flags['pid-file'] ?? config?.pidFile,
    // The password in a file belongs to the store in that file only.
    ...(flags.store === undefined && flags.context === undefined && config?.redis
      ? { store: config.redis.url, password: config.redis.password }
      : { store: flags.store, password: undefined }),
    log: {
      format: flags['log-format'],
      level: flags['log-level'],
      accessLog: flags['access-log'] ?? config?.accessLog,
      errorLog: flags['error-log'] ?? config?.errorLog,
      isQuiet: flags.quiet,
    },
    notes: config?.notes ?? [],
  };
}
