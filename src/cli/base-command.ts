import { Command } from '@oclif/core/command';
import type { Config } from '@oclif/core/config';
import * as Flags from '@oclif/core/flags';
import { DelayerError, isTransient } from '../core/errors.js';
import type { Queue } from '../core/queue.js';
import { openQueue } from '../storage/open.js';
import { writeStdout } from '../output/stdout.js';
import { toJsonLine } from '../output/json.js';
import { settleSwitches } from './argv.js';
import { fromBase64 } from './input/base64.js';
import { readSettings } from './config/settings.js';
import { reportFailure } from './errors.js';
import { say } from './stderr.js';
import type { Interruption } from './signals.js';

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

  private interruption: Interruption | undefined;

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

  protected override async init(): Promise<void> {
    await super.init();
    this.argv = settleSwitches(this.argv, { ...BaseCommand.baseFlags, ...this.ctor.flags });
  }

  /**
   * Opens the queue that the flags and the environment name, and closes it whatever happens.
   * @param interruption of a command that waits: a store that fails after it is no failure of the command
   */
  protected async withQueue<T>(
    flags: { store?: string | undefined; prefix?: string | undefined },
    use: (queue: Queue) => Promise<T>,
    interruption?: Interruption,
  ): Promise<T> {
    const settings = readSettings(flags);
    this.interruption = interruption;
    const queue = await openQueue(settings.store, { ...settings, ending: interruption?.signal });
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
    const bytes = fromBase64(text);
    if (bytes === undefined) {
      throw new DelayerError('usage', `${JSON.stringify(text)} is no base64`, {
        hint: 'Leave --base64 out for plain text.',
      });
    }
    return bytes;
  }

  override catch(error: Error): Promise<void> {
    reportFailure(error, this.argv, this.id ?? '');
    const interrupted = this.interruption?.exitCode;
    if (interrupted !== undefined && isTransient(error)) this.endWith(interrupted);
    return Promise.resolve();
  }
}
