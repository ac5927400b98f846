import { Command } from '@oclif/core/command';
import type { Config } from '@oclif/core/config';
import * as Errors from '@oclif/core/errors';
import * as Flags from '@oclif/core/flags';
import { DelayerError } from '../core/errors.js';
import type { Queue } from '../core/queue.js';
import { openQueue } from '../open-queue.js';
import { OutputError, writeStdout } from '../output/stdout.js';
import { toJsonLine } from '../output/job-json.js';
import { readSettings } from './environment.js';
import { say, sayError, writeStderr } from './say.js';

const SIGPIPE_EXIT_CODE = 141;

/** Every command: the flags they share, opening and closing the queue, and errors to exit codes. */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    store: Flags.string({
      helpGroup: 'GLOBAL',
      helpValue: 'URL',
      description: 'the store: redis://…, rediss://…, redis+unix://… or sqlite:PATH (DELAYER_STORE)',
    }),
    prefix: Flags.string({
      helpGroup: 'GLOBAL',
      description: 'first part of every key in Redis [default: delayer] (DELAYER_PREFIX)',
    }),
    base64: Flags.boolean({
      helpGroup: 'GLOBAL',
      description: 'TOPIC and ids are given in base64, for those that are no UTF-8',
    }),
    json: Flags.boolean({ helpGroup: 'GLOBAL', description: 'print JSON, errors included' }),
    debug: Flags.boolean({ helpGroup: 'GLOBAL', description: 'show where an error comes from' }),
  };

  /** Runs the command on a configuration as it is; oclif's own `run` would load it first. */
  static async start(
    this: new (argv: string[], config: Config) => BaseCommand,
    id: string,
    argv: string[],
    config: Config,
  ): Promise<void> {
    const command = new this(argv, config);
    command.id = id;
    await command._run();
  }

  /** Opens the queue that the flags and the environment name, and closes it whatever happens. */
  protected async withQueue<T>(
    flags: { store?: string | undefined; prefix?: string | undefined },
    use: (queue: Queue) => Promise<T>,
  ): Promise<T> {
    const settings = readSettings(flags);
    const queue = await openQueue(settings.store, settings);
    if (settings.isDefaultStore && queue.store.isNew === true) {
      say(
        `made ${queue.store.label} for the jobs; to use Redis instead: export DELAYER_STORE=redis://localhost`,
      );
    }
    try {
      return await use(queue);
    } finally {
      await queue.close();
    }
  }

  /** The exit code of a command that did its work and found, say, nothing. */
  protected endWith(exitCode: number): void {
    process.exitCode = exitCode;
  }

  protected async printJson(value: unknown): Promise<void> {
    await writeStdout(`${toJsonLine(value)}\n`);
  }

  /** An id or topic as the user typed it. */
  protected toBytes(text: string, base64: boolean): Buffer {
    if (!base64) {
      // Node turns bytes that are no UTF-8 into this mark before anyone can see them.
      if (text.includes('\ufffd')) {
        throw new DelayerError('usage', `${JSON.stringify(text)} holds bytes that are no UTF-8`, {
          hint: 'Give the topic and the ids in base64, with --base64.',
        });
      }
      return Buffer.from(text);
    }
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
      throw new DelayerError('usage', `${JSON.stringify(text)} is no base64`, {
        hint: 'Leave --base64 out for plain text.',
      });
    }
    return bytes;
  }

  override async catch(error: Error): Promise<void> {
    // `--help` ends a command so.
    if (error instanceof Errors.ExitError) throw error;
    const debug = this.argv.includes('--debug');
    const failure = toFailure(error, this.id ?? '');
    process.exitCode = failure.exitCode;
    if (error instanceof OutputError && error.readerGone) process.exitCode = SIGPIPE_EXIT_CODE;
    else sayError(failure, this.argv.includes('--json'));
    if (debug) writeStderr(`${withCauses(error)}\n`);
    return Promise.resolve();
  }
}

function toFailure(error: Error, command: string): DelayerError {
  if (error instanceof DelayerError) {
    // oclif wraps what a flag's parser says into two lines more.
    const message = error.message.replace(/^Parsing --\S+ \n\t([\s\S]*)\nSee more help with --help$/, '$1');
    return message === error.message
      ? error
      : new DelayerError(error.code, message, { hint: error.hint, cause: error });
  }
  if (error instanceof OutputError) {
    return new DelayerError('output_failed', error.message, { cause: error });
  }
  if (error instanceof Errors.CLIError) {
    return new DelayerError('usage', usageMessage(error.message), {
      hint: `See \`delayer ${command} --help\`.`,
      cause: error,
    });
  }
  return new DelayerError('internal', error.message, { cause: error });
}

/** oclif's message on one line, without its pointer to --help. */
function usageMessage(message: string): string {
  return message
    .replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:/, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${withCauses(error.cause)}`;
}
