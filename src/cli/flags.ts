import * as Args from './oclif/args.js';
import * as Flags from './oclif/flags.js';
import { parseBackoff } from '../core/backoff-text.js';
import { parseDuration } from '../core/duration.js';
import { DelayerError } from '../core/errors.js';
import { type Backoff, MAX_LEASE_MS } from '../core/job.js';
import { MAX_RETRIES, type RetryOptions } from '../core/retry-policy.js';
import { JOB_FORMATS, LEASED_FORMATS } from '../output/jobs.js';
import { readAnyTime } from './input/time.js';

/** A duration in whole milliseconds. */
export const duration = (name: string) =>
  Flags.custom<number>({
    helpValue: 'DURATION',
    parse: (text) => Promise.resolve(parseDuration(text, `--${name}`)),
  });

/** A duration with a sign, in ms: `+1h`, `-10m`. */
export const shift = (name: string) =>
  Flags.custom<number>({
    helpValue: 'SHIFT',
    parse: (text) => {
      const [, sign, length = ''] = /^([+-])(.*)$/s.exec(text) ?? [];
      if (sign === undefined)
        throw new DelayerError('usage', `--${name} has no sign: ${JSON.stringify(text)}`, {
          hint: `Write --${name} +1h for later, or --${name} -10m for earlier.`,
        });
      const ms = parseDuration(length, `--${name}`);
      return Promise.resolve(sign === '-' ? -ms : ms);
    },
  });

/** A duration that must not be zero. */
export const positiveDuration = (name: string) =>
  Flags.custom<number>({
    helpValue: 'DURATION',
    parse: (text) => Promise.resolve(parsePositive(text, name)),
  });

/** A time that is given by its distance from now. It may have the sign that such times have elsewhere: `+24h`. */
export const durationAhead = (name: string) =>
  Flags.custom<number>({
    helpValue: 'DURATION',
    parse: (text) => Promise.resolve(parsePositive(text.replace(/^\+/, ''), name)),
  });

/** A duration whose 0 has a meaning of its own, so that no other one is rounded to it. */
export const durationOrZero = (name: string) =>
  Flags.custom<number>({
    helpValue: 'DURATION',
    parse: (text) => {
      const ms = parseDuration(text, `--${name}`);
      if (ms > 0 || !/[1-9]/.test(text)) return Promise.resolve(ms);
      throw new DelayerError('usage', `--${name} is shorter than 1 ms: ${JSON.stringify(text)}`, {
        hint: 'Write 1ms or more, or 0.',
      });
    },
  });

/** A duration above zero and no longer than a timer reaches: for leases and handlers. */
export const timerDuration = (name: string) =>
  Flags.custom<number>({
    helpValue: 'DURATION',
    parse: (text) => {
      const ms = parsePositive(text, name);
      if (ms > MAX_LEASE_MS)
        throw new DelayerError('usage', `--${name} is too long`, { hint: 'At most 24d.' });
      return Promise.resolve(ms);
    },
  });

function parsePositive(text: string, name: string): number {
  const ms = parseDuration(text, `--${name}`);
  if (ms > 0) return ms;
  throw new DelayerError('usage', `--${name} must not be zero`, { hint: 'Write 1ms or more.' });
}

/** How many times a job is tried again, from 0. */
export const retries = Flags.custom<number>({
  helpValue: 'N',
  parse: (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > MAX_RETRIES)
      throw new DelayerError('usage', `invalid number for --retries: ${JSON.stringify(text)}`, {
        hint: `Write a whole number from 0 (a single attempt) to ${MAX_RETRIES}.`,
      });
    return Promise.resolve(value);
  },
});

/** The pauses before retries, `1s..10m`. */
export const backoff = Flags.custom<Backoff>({
  helpValue: 'FIRST..LAST',
  parse: (text) => Promise.resolve(parseBackoff(text, '--backoff')),
});

/**
 * The flags by which a consumer says what happens to jobs that fail; `needs` names flags that these depend on.
 */
export const retryFlags = (dependsOn: string[] = []) => ({
  retries: retries({
    description: 'retry a failed job at most N times, unless the job has its own number [default: 3]',
    dependsOn,
  }),
  backoff: backoff({
    description:
      'pause before the first retry, doubled for each further retry up to LAST, unless the job has its own [default: 1s..10m]',
    dependsOn,
  }),
  'dead-ttl': durationOrZero('dead-ttl')({
    description: 'keep dead letters for DURATION; 0 means for ever [default: 30d]',
    dependsOn,
  }),
});

/** The values of `retryFlags`. */
export function toRetryOptions(flags: {
  readonly retries?: number | undefined;
  readonly backoff?: Backoff | undefined;
  readonly 'dead-ttl'?: number | undefined;
}): RetryOptions {
  return { retries: flags.retries, backoff: flags.backoff, deadTtlMs: flags['dead-ttl'] };
}

export const timestamp = (name: string) =>
  Flags.custom<Date>({
    helpValue: 'TIME',
    parse: (text) => readAnyTime(text, `--${name}`),
  });

const MAX_RATE = 1_000_000;
const PER_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A rate: a count and a time. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

export const rate = (name: string) =>
  Flags.custom<Rate>({
    helpValue: 'N/UNIT',
    parse: (text) => {
      const [, number = '', unit = ''] = /^(\d+)\/([smhd])$/.exec(text) ?? [];
      const [value, perMs] = [Number(number), PER_MS[unit]];
      if (perMs !== undefined && value >= 1 && value <= MAX_RATE)
        return Promise.resolve({ count: value, perMs });
      throw new DelayerError('usage', `invalid rate for --${name}: ${JSON.stringify(text)}`, {
        hint: `Write a number from 1 to ${MAX_RATE} for each second, minute, hour or day: 5/s, 300/m.`,
      });
    },
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
  description: 'print each job as a line of JSON, as the bytes of its body, or as its id',
});

/** Of `pop` and `bpop`. */
export const takeFlags = {
  lease: timerDuration('lease')({
    description:
      'lease the job for DURATION instead of removing it; ack, nack, release and extend take the lease that is printed',
  }),
  ...retryFlags(['lease']),
  'body-file': Flags.string({
    helpValue: 'FILE',
    description: 'write the body of the job to FILE, atomically and with mode 0600',
    dependsOn: ['lease'],
  }),
  output: Flags.option({
    options: [...new Set([...JOB_FORMATS, ...LEASED_FORMATS])],
    default: 'json' as const,
    description:
      'print each job as a line of JSON, as the bytes of its body, or as its id; with --lease: as JSON, or as its lease',
  })(),
};

/** One topic or several. */
export const topicArgs = Args.string({
  required: true,
  multiple: true,
  description: 'the topics, in order of preference',
});
