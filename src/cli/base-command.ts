import type {
  ArgInput,
  FlagInput,
  Input,
  OutputArgs,
  OutputFlags,
  ParserOutput,
} from '@oclif/core/interfaces';
import { DelayerError } from '../core/errors.js';
import type { Queue } from '../core/queue.js';
import { toJsonLine } from '../output/json.js';
import { writeStdout } from '../output/stdout.js';
import { openQueue } from '../storage/open.js';
import { countBehindDashes } from './argv.js';
import { readPassword, readSettings, type StoreFlags } from './config/settings.js';
import { chooseColour, COLOUR_CHOICES, type ColourChoice } from './config/terminal.js';
import { isReaderGone, passesWithTheSignal, reportError } from './errors.js';
import { fromBase64 } from './input/base64.js';
import { readIds } from './input/ids.js';
import { closeStdin } from './input/lines.js';
import { Command } from './oclif/command.js';
import * as Flags from './oclif/flags.js';
import { type CommandSpec, parseArguments } from './parse.js';
import {
  endBySignal,
  type EndSignal,
  ignoreDebugSignal,
  type Interruption,
  keepHangupIgnored,
} from './signals.js';
import { printInfo, setVerbosity } from './stderr.js';

const PASSWORD_WARNING =
  'other users may see a password in --store in the list of processes; put it into DELAYER_REDIS_PASSWORD_FILE, DELAYER_REDIS_PASSWORD or DELAYER_STORE';

/** A command that runs for so long (ms) may be sent signals by others than its terminal. */
const LONG_MS = 1000;

/** Ids that are acted on with one call of the store. */
const CHUNK_IDS = 250;

/** Every command: the flags they share, opening and closing the queue, and errors to exit codes. */
export abstract class BaseCommand extends Command {
  static override baseFlags = {
    store: Flags.string({
      helpGroup: 'GLOBAL',
      helpValue: 'URL',
      description: 'the store: redis://…, rediss://…, redis+unix://… or sqlite:PATH (DELAYER_STORE)',
    }),
    context: Flags.string({
      helpGroup: 'GLOBAL',
      helpValue: 'NAME',
      description: 'a store by its name in the config file; see `delayer config`',
    }),
    prefix: Flags.string({
      helpGroup: 'GLOBAL',
      description: 'prefix of every key in Redis [default: delayer] (DELAYER_PREFIX)',
    }),
    base64: Flags.boolean({
      helpGroup: 'GLOBAL',
      description: 'read topics and ids as base64, for those that are not valid UTF-8',
    }),
    json: Flags.boolean({ helpGroup: 'GLOBAL', description: 'print JSON, errors included' }),
    quiet: Flags.boolean({
      helpGroup: 'GLOBAL',
      description: 'print only errors on stderr',
      exclusive: ['verbose'],
    }),
    verbose: Flags.boolean({
      helpGroup: 'GLOBAL',
      description: 'report successes on stderr too, as on a terminal',
    }),
    color: Flags.option({
      options: COLOUR_CHOICES,
      default: 'auto' as const,
      helpGroup: 'GLOBAL',
      description: 'colours in tables; auto: on a terminal (NO_COLOR, CLICOLOR, CLICOLOR_FORCE)',
    })(),
    debug: Flags.boolean({ helpGroup: 'GLOBAL', description: 'print the stack trace of an error' }),
  };

  /**
   * For a command that waits or has jobs in hand; other commands die by the first signal, as programs do.
   */
  protected interruption: Interruption | undefined;

  /** The values of flags and arguments that it was given. @throws DelayerError `usage` */
  protected async parse<
    F extends OutputFlags<FlagInput>,
    B extends OutputFlags<FlagInput>,
    A extends OutputArgs<ArgInput>,
  >(command: Input<F, B, A> = this.ctor as Input<F, B, A>, argv = this.argv): Promise<ParserOutput<F, B, A>> {
    const { flags, args } = command;
    const spec = { flags: { ...BaseCommand.baseFlags, ...flags }, args: args ?? {}, usage: this.usage };
    const parsed = await parseArguments(argv, spec as unknown as CommandSpec);
    const { quiet, verbose, color } = parsed.flags;
    chooseColour(color as ColourChoice);
    setVerbosity(quiet === true ? 'quiet' : verbose === true ? 'verbose' : 'normal');
    const unused = { raw: [], metadata: { flags: {} }, nonExistentFlags: [] };
    return { ...parsed, ...unused } as unknown as ParserOutput<F, B, A>;
  }

  /** How the command is called on the command line. */
  protected get usage(): string {
    const { usage, args } = this.ctor;
    if (usage !== undefined)
      return [usage]
        .flat()
        .map((form) => `delayer ${form}`)
        .join(' or ');
    const names = Object.entries(args).map(([name, { required, multiple }]) => {
      const argument = `${name.toUpperCase()}${multiple === true ? '...' : ''}`;
      return required === true ? argument : `[${argument}]`;
    });
    return ['delayer', this.id, ...names, '[flags]'].join(' ');
  }

  /** The error of an argument that is missing here, though other forms of the command do without it. */
  protected missing(argument: string): DelayerError {
    return new DelayerError('usage', `${argument} is missing`, { hint: `Usage: ${this.usage}` });
  }

  /** Opens the queue that the flags and the environment name, and closes it whatever happens. */
  protected async withQueue<T>(flags: StoreFlags, use: (queue: Queue) => Promise<T>): Promise<T> {
    const settings = readSettings(flags);
    const { store, prefix } = settings;
    const isDefaultStore = settings.storeFrom === 'default';
    if (this.interruption === undefined) {
      keepHangupIgnored();
      // Later, because the first listener of a process for a signal takes 0.1 ms, which a short command need not spend.
      setTimeout(ignoreDebugSignal, LONG_MS).unref();
    }
    this.warnOfPassword(flags.store);
    const queue = await openQueue(store, {
      prefix,
      password: readPassword(settings),
      ownFolder: isDefaultStore,
      pollMs: flags.interval,
      openTimeoutMs: flags.openTimeoutMs,
      shutdown: this.interruption?.signal,
    });
    try {
      const done = await use(queue);
      if (isDefaultStore && queue.isNew === true) {
        printInfo(
          `created ${queue.label} for the jobs; to use Redis instead: export DELAYER_STORE=redis://localhost`,
        );
      }
      return done;
    } finally {
      await queue.close();
    }
  }

  /** @param store what --store says */
  protected warnOfPassword(store: string | undefined): void {
    if (hasPassword(store)) printInfo(PASSWORD_WARNING);
  }

  /** Sets the exit code of a command that did its work and, say, found nothing. */
  protected endWith(exitCode: number): void {
    process.exitCode = exitCode;
  }

  protected async printJson(value: unknown): Promise<void> {
    await writeStdout(`${toJsonLine(value)}\n`);
  }

  /** The ids given as arguments, with those on stdin in the place of `-`, in chunks. */
  protected idsOf(given: readonly string[], base64: boolean, chunkSize = CHUNK_IDS): AsyncIterable<Buffer[]> {
    const literalCount = countBehindDashes(this.argv);
    return readIds(given, literalCount, chunkSize, (text) => this.toBytes(text, base64), base64);
  }

  /** An id or topic as the user typed it. */
  protected toBytes(text: string, base64: boolean): Buffer {
    if (base64) {
      const bytes = fromBase64(text);
      if (bytes !== undefined) return bytes;
      throw new DelayerError('usage', `${JSON.stringify(text)} is not valid base64`, {
        hint: 'Leave --base64 out for plain text.',
      });
    }
    // Node puts this character in the place of bytes that are not valid UTF-8, before a program can see them.
    if (!text.includes('\ufffd')) return Buffer.from(text);
    throw new DelayerError('usage', `${JSON.stringify(text)} is not valid UTF-8`, {
      hint: 'Give topics and ids in base64, with --base64.',
    });
  }

  /** Topics as the user typed them; one that is named twice counts once. */
  protected toTopics(texts: readonly string[], base64: boolean): Buffer[] {
    const topics = texts.map((text) => this.toBytes(text, base64));
    return [...new Map(topics.map((topic) => [topic.toString('latin1'), topic])).values()];
  }

  protected override catch(error: Error): Promise<void> {
    const { received } = this.interruption ?? {};
    if (received === undefined || !isReaderGone(error)) reportError(error, this.argv, this.id);
    return Promise.resolve();
  }

  /** Runs last. If a signal came, it decides how the process ends, whatever else failed meanwhile. */
  protected override finally(error: Error | undefined): void {
    closeStdin();
    this.interruption?.release();
    const { received } = this.interruption ?? {};
    if (received !== undefined && (error === undefined || passesWithTheSignal(error)))
      this.endAfterSignal(received);
  }

  protected endAfterSignal(signal: EndSignal): void {
    endBySignal(signal);
  }
}

/** Does this store URL contain a password? */
function hasPassword(store: string | undefined): boolean {
  return store !== undefined && /^rediss?(\+unix)?:\/\/[^:@/]*:.+@/i.test(store);
}
