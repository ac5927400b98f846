import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { parseDuration, parseMoment } from '../core/duration.js';
import { DelayerError } from '../core/errors.js';
import { JOB_FORMATS } from '../output/jobs.js';

/** A duration in whole milliseconds. */
export const duration = (name: string) =>
  Flags.custom<number>({
    helpValue: 'DURATION',
    parse: (text) => Promise.resolve(parseDuration(text, `--${name}`)),
  });

/** A duration that must not be zero. */
export const positiveDuration = (name: string) =>
  Flags.custom<number>({
    helpValue: 'DURATION',
    parse: (text) => {
      const ms = parseDuration(text, `--${name}`);
      if (ms === 0) throw new DelayerError('usage', `--${name} must not be zero`);
      return Promise.resolve(ms);
    },
  });

export const moment = (name: string) =>
  Flags.custom<Date>({
    helpValue: 'TIME',
    parse: (text) => Promise.resolve(new Date(parseMoment(text, `--${name}`))),
  });

/** A whole number of at least `min`. */
export const count = (name: string, min = 1) =>
  Flags.custom<number>({
    helpValue: 'N',
    parse: (text) => {
      const value = Number(text);
      if (!/^\d+$/.test(text) || value < min || !Number.isSafeInteger(value)) {
        throw new DelayerError(
          'usage',
          `--${name} is no whole number of at least ${min}: ${JSON.stringify(text)}`,
        );
      }
      return Promise.resolve(value);
    },
  });

export const jobFormat = Flags.option({
  options: JOB_FORMATS,
  default: 'json' as const,
  description: 'what to print of each job: a line of JSON, the bytes of its body, or its id',
});

/** oclif fills a missing argument from stdin unless told not to: a `while read` loop would lose lines. */
const fromCommandLine = { ignoreStdin: true } as const;

export const topicArg = Args.string({ ...fromCommandLine, required: true, description: 'the topic' });
export const optionalArg = (description: string) => Args.string({ ...fromCommandLine, description });
