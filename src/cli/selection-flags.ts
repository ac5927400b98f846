import * as Flags from './oclif/flags.js';
import type { Sweep } from '../bulk/sweep.js';
import { DelayerError } from '../core/errors.js';
import { JOB_STATES, type JobState } from '../core/job.js';
import type { Queue } from '../core/queue.js';
import type { ScanQuery } from '../core/views.js';
import { count, duration, rate, timestamp } from './flags.js';
import { describeTime } from './input/time.js';
import { printInfo } from './stderr.js';
import { readWhere, type Where } from './where.js';

/** Which jobs a command views or acts on: the same flags for all of them. */
export const selectionFlags = {
  topic: Flags.string({
    multiple: true,
    helpGroup: 'SELECTION',
    helpValue: 'GLOB',
    description: 'jobs whose topic matches; a pattern has * ? [a-z] or \\',
  }),
  state: Flags.option({ options: JOB_STATES, multiple: true, delimiter: ',' as const })({
    helpGroup: 'SELECTION',
    description: 'jobs in these states',
  }),
  'id-glob': Flags.string({
    multiple: true,
    helpGroup: 'SELECTION',
    helpValue: 'GLOB',
    description: 'jobs whose id matches',
  }),
  'due-before': timestamp('due-before')({
    helpGroup: 'SELECTION',
    description: 'jobs due earlier than TIME',
  }),
  'due-after': timestamp('due-after')({ helpGroup: 'SELECTION', description: 'jobs due at TIME or later' }),
  'older-than': duration('older-than')({
    helpGroup: 'SELECTION',
    description: 'jobs due for longer than DURATION; dead letters that failed longer ago than that',
  }),
  grep: Flags.string({
    multiple: true,
    helpGroup: 'SELECTION',
    helpValue: 'TEXT',
    description: 'jobs whose body contains TEXT, byte for byte',
  }),
  where: Flags.string({
    helpGroup: 'SELECTION',
    helpValue: 'EXPR',
    description: `jobs for which this JSONata expression is true: 'body.amount > 100 and attempts = 0'`,
  }),
};

/** Their names. */
export const SELECTING = Object.keys(selectionFlags) as (keyof typeof selectionFlags)[];

/** Flags that say how to act on what is selected. */
export const actingFlags = {
  limit: count('limit')({ description: 'act on at most N jobs' }),
  rate: rate('rate')({ description: 'act on at most N jobs in each UNIT (s, m, h or d): 500/s' }),
  'dry-run': Flags.boolean({
    description: 'count the jobs and show the first ten, without changing anything',
  }),
  yes: Flags.boolean({ description: 'do not ask for confirmation' }),
};

/** For a command that acts on jobs in these states alone. */
export const selectionFlagsIn = (states: readonly JobState[], description: string) => ({
  ...selectionFlags,
  state: Flags.option({ options: states, multiple: true, delimiter: ',' as const })({
    helpGroup: 'SELECTION',
    description,
  }),
});

export interface SelectionFlags {
  readonly topic?: readonly string[] | undefined;
  readonly state?: readonly JobState[] | undefined;
  readonly 'id-glob'?: readonly string[] | undefined;
  readonly 'due-before'?: Date | undefined;
  readonly 'due-after'?: Date | undefined;
  readonly 'older-than'?: number | undefined;
  readonly grep?: readonly string[] | undefined;
  readonly where?: string | undefined;
}

/** Is any of the selecting flags given? */
export function isSelecting(flags: SelectionFlags): boolean {
  return SELECTING.some((name) => flags[name] !== undefined);
}

/** Flags that say how to act on a selection; they have no effect on ids that are named. */
const OF_SELECTION = [...SELECTING, 'limit', 'rate', 'dry-run'] as const;

/** Jobs are named or selected, not both. @throws DelayerError `usage` */
export function assertNoSelection(
  flags: SelectionFlags & Partial<Record<(typeof OF_SELECTION)[number], unknown>>,
  usage: string,
): void {
  const given = OF_SELECTION.find((name) => flags[name] !== undefined && flags[name] !== false);
  if (given === undefined) return;
  throw new DelayerError('usage', `ID and --${given} cannot be used together`, {
    hint: `Leave one of them out. Usage: ${usage}`,
  });
}

/** What the flags select, and which jobs `--where` failed on. */
export interface Selected extends Sweep {
  readonly where?: Where | undefined;
}

export interface SelectingOptions {
  /** Used where `--state` is not given. */
  readonly states?: readonly JobState[];
  /** Topics given as arguments: names, not globs. */
  readonly named?: readonly string[];
  /** Reads a topic as the user typed it. */
  readonly toBytes: (text: string) => Buffer;
}

export async function toSelected(
  flags: SelectionFlags & { readonly limit?: number | undefined; readonly base64: boolean },
  { states, named = [], toBytes }: SelectingOptions,
): Promise<(queue: Queue) => Promise<Selected>> {
  const { base64, limit = Infinity } = flags;
  const [names, topicGlobs] = partOf(flags.topic ?? [], (text) => base64 || !isGlob(text));
  const topics = [...named, ...names];
  for (const text of topicGlobs) if (text.includes('\ufffd')) toBytes(text);
  for (const name of ['due-before', 'due-after'] as const) {
    const at = flags[name];
    if (at) printInfo(`${name.replace('-', ' ')} ${describeTime(at, new Date())}`);
  }
  const where = flags.where === undefined ? undefined : await readWhere(flags.where);
  const filter = {
    ...(topics.length > 0 && { topics: topics.map((text) => toBytes(notEmpty(text, 'topic'))) }),
    ...(topicGlobs.length > 0 && { topicGlobs }),
    states: flags.state ?? states,
    dueBefore: flags['due-before'],
    dueAfter: flags['due-after'],
    idGlobs: flags['id-glob'],
    bodyIncludes: flags.grep?.map((text) => notEmpty(text, 'grep')),
  };
  const olderMs = flags['older-than'];
  return async (queue) => {
    const olderThan = olderMs === undefined ? undefined : new Date((await queue.now()).getTime() - olderMs);
    const query = { ...filter, olderThan };
    return { query, limit, ...(where && { where, matches: (job) => where.matches(job) }) };
  };
}

/** The topic of a query that has exactly one; undefined when there may be several. */
export function onlyTopic({ topics, topicGlobs }: ScanQuery): Buffer | undefined {
  if (!Array.isArray(topics) || topics.length !== 1 || topicGlobs) return undefined;
  return Buffer.from(topics[0] as Uint8Array);
}

/** Does it contain one of the characters of a glob? */
const isGlob = (text: string): boolean => /[*?[\\]/.test(text);

function partOf<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

function notEmpty(text: string, flag: string): string {
  if (text !== '') return text;
  throw new DelayerError('usage', `--${flag} is empty`, { hint: 'Give it at least one byte.' });
}
