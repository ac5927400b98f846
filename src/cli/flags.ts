import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { parseDuration } from '../core/duration.js';
import { DelayerError } from '../core/errors.js';
import { JOB_FORMATS } from '../output/jobs.js';
import { readTime } from './input/time.js';

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
      if (ms === 0)
        throw new DelayerError('usage', `--${name} must not be zero`, { hint: 'Write 1ms or more.' });
      return Promise.resolve(ms);
    },
  });

export const timestamp = (name: string) =>
  Flags.custom<Date>({
    helpValue: 'TIME',
    parse: (text) => Promise.resolve(readTime(text, `--${name}`)),
  });

/** A whole number of at least 1. */
export const count = (name: string) =>
  Flags.custom<number>({
    helpValue: 'N',
    parse: (text) => {
      const value = Number(text);
      if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
        throw new DelayerError('usage', `invalid number for --${name}: ${JSON.stringify(text)}`, {
          hint: 'Write a whole number of at least 1.',
        });
      }
      return Promise.resolve(value);
    },
  });

export const jobFormat = Flags.option({
  options: JOB_FORMATS,
  default: 'json' as const,
  description: 'what to print of each job: a line of JSON, the bytes of its body, or its id',
});

/** One topic or several. */
export const topicArgs = Args.string({
  required: true,
  multiple: true,
  description: 'the topics, in order of preference',
});

export const optionalArg = (description: string) => Args.string({ description });
