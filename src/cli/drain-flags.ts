import * as Flags from './oclif/flags.js';
import { DelayerError } from '../core/errors.js';
import { count, positiveDuration, rate, retryFlags, timerDuration } from './flags.js';
import { quoteForShell } from './shell-command.js';

/** A batch is held in memory as a whole. */
const MAX_BATCH = 10_000;
const batchSize = Flags.custom<number>({
  helpValue: 'N',
  parse: (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= MAX_BATCH) return Promise.resolve(value);
    throw new DelayerError('usage', `invalid number for --batch-size: ${JSON.stringify(text)}`, {
      hint: `Write a whole number from 1 to ${MAX_BATCH}.`,
    });
  },
});

/** When drain takes jobs, and how many. */
export const windowFlags = {
  max: count('max')({ description: 'take at most N jobs; with --loop, at most N in each pass' }),
  loop: Flags.boolean({
    description: 'for cron: run a pass every --step, for as long as --for',
    exclusive: ['follow'],
  }),
  step: positiveDuration('step')({
    description: 'with --loop: time from the start of a pass to the start of the next [default: 10s]',
    dependsOn: ['loop'],
  }),
  for: positiveDuration('for')({
    description: 'with --loop: time window, after which no job is delivered [default: 60s]',
    dependsOn: ['loop'],
  }),
  follow: Flags.boolean({ description: 'wait for more jobs, until it is stopped' }),
  interval: timerDuration('interval')({
    description: 'how often to look where Redis does not report changes [default: 100ms]',
  }),
  lock: Flags.boolean({
    description:
      'run one drain at a time: where another one holds the lock, exit; --loop waits for the lock within its window, --follow until it is free',
  }),
  'lock-name': Flags.string({
    helpValue: 'NAME',
    description: 'name of the lock [default: the topics, sorted]',
    dependsOn: ['lock'],
  }),
};

/** Flags that need a handler. */
export const workerFlags = {
  jobs: count('jobs')({ description: 'number of handlers that run at once [default: 1]' }),
  lease: timerDuration('lease')({
    description: 'lease each job for DURATION, renewed while its handler runs [default: 60s]',
  }),
  timeout: timerDuration('timeout')({
    description: 'terminate a handler that runs longer; the attempt counts as failed',
  }),
  ...retryFlags(),
  rate: rate('rate')({
    description: 'start at most N jobs in each UNIT (s, m, h or d): 5/s, 300/m',
  }),
  halt: count('halt')({ description: 'take no more jobs after N failures in a row' }),
  tag: Flags.boolean({
    description: 'prefix each line of output with the id of the job',
    exclusive: ['output-dir', 'batch-size'],
  }),
  'output-dir': Flags.string({
    helpValue: 'DIR',
    description: 'write the output of handlers to DIR, a file for each job',
    exclusive: ['batch-size'],
  }),
  joblog: Flags.string({
    helpValue: 'FILE',
    description: "append a line for each handler that ended, in the format of GNU parallel's --joblog",
  }),
  'batch-size': batchSize({ description: 'give a handler at most N jobs at once, as NDJSON on its stdin' }),
  outcomes: Flags.boolean({
    description: "read each job's outcome from a line of JSON that the handler prints",
    dependsOn: ['batch-size'],
  }),
};

/**
 * The handler as it was given: a text for a shell, or a program and its arguments; undefined where there is none.
 */
export interface GivenCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** As a shell would run it. */
  readonly text: string;
}

/** @throws DelayerError `usage` */
export function toCommand(
  exec: string | undefined,
  behindDashes: readonly string[] | undefined,
): GivenCommand | undefined {
  if (exec !== undefined && behindDashes !== undefined)
    throw new DelayerError('usage', '--exec and a command after -- cannot be used together', {
      hint: 'Leave one of them out.',
    });
  if (behindDashes !== undefined) return toProgram(behindDashes);
  if (exec === undefined) return undefined;
  if (exec.trim() === '')
    throw new DelayerError('usage', '--exec is empty', { hint: "Write a command: --exec 'php cancel.php'." });
  // A shell would read a leading dash as an option.
  return { file: '/bin/sh', args: ['-c', exec.startsWith('-') ? ` ${exec}` : exec], text: exec };
}

function toProgram([file = '', ...args]: readonly string[]): GivenCommand {
  if (file !== '') return { file, args, text: [file, ...args].map(quoteForShell).join(' ') };
  throw new DelayerError('usage', 'there is no command after --', {
    hint: 'Write -- CMD ARG…; name a topic that begins with a dash in base64, with --base64.',
  });
}

/** @throws DelayerError `usage` when a flag is given that needs a handler */
export function assertNoWorkerFlags(flags: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(workerFlags).find((name) => flags[name] !== undefined && flags[name] !== false);
  if (given === undefined) return;
  throw new DelayerError('usage', `--${given} needs a handler`, { hint: 'Add --exec CMD, or -- CMD ARG….' });
}

/**
 * The name of a lock: as given, else made of the topics in a fixed order, so that everyone who drains the same
 * topics has the same lock. They are joined by commas; a comma of a topic has a backslash in front.
 * @throws DelayerError `usage`
 */
export function toLockName(given: string | undefined, topics: readonly Buffer[]): Buffer {
  if (given === '')
    throw new DelayerError('usage', '--lock-name is empty', {
      hint: 'Leave it out to name the lock after the topics.',
    });
  if (given !== undefined) return Buffer.from(given);
  const sorted = topics.map((topic) => topic.toString('latin1')).sort();
  return Buffer.from(sorted.map((topic) => topic.replace(/[\\,]/g, '\\$&')).join(','), 'latin1');
}
