import * as Flags from './oclif/flags.js';
import { DelayerError } from '../core/errors.js';
import { LIST_FORMATS, type ListFormat } from '../output/job-lists.js';
import { tableFlags } from './choose-columns.js';
import { count, timerDuration } from './flags.js';
import { isSelecting, SELECTING, type SelectionFlags, selectionFlags } from './selection-flags.js';

export const inspectFlags = {
  id: Flags.string({
    multiple: true,
    description: 'explain the jobs of this id; repeatable; - reads ids from stdin, one per line',
  }),
  exact: Flags.boolean({
    description:
      'count every job, where counts of topics would be estimates: on Redis with more than 10,000 jobs',
  }),
  problems: Flags.boolean({ description: 'explain the jobs that have a problem' }),
  'group-by': Flags.option({ options: ['reason'] as const })({
    description: 'count the dead letters of TOPIC by the reason of their failure',
  }),
  watch: Flags.boolean({ description: 'refresh every --interval, and show what has changed' }),
  interval: timerDuration('interval')({
    description: 'time between refreshes [default: 2s]',
    dependsOn: ['watch'],
  }),
  limit: count('limit')({
    description: 'show at most N jobs [default: 50 on a terminal, else all]',
  }),
  cursor: Flags.string({ description: 'continue after the page that printed this cursor' }),
  ...selectionFlags,
  output: Flags.option({ options: LIST_FORMATS })({
    helpGroup: 'TABLE',
    description: 'instead of a table: one JSON document, a line of JSON for each row, ids, or bodies',
  }),
  null: Flags.boolean({
    // The types of oclif allow letters only.
    char: '0' as 'z',
    helpGroup: 'TABLE',
    description: 'with --output id or body: end each with a NUL byte, for xargs -0',
  }),
  ...tableFlags,
};

/** What `inspect` shows. */
export type InspectView = 'overview' | 'list' | 'ids' | 'problems' | 'reasons';

const OF_TABLES = ['columns', 'sort', 'no-headers', 'output'];

/** The flags that belong to each view. */
const FLAGS_OF: Readonly<Record<InspectView, readonly string[]>> = {
  overview: ['exact', 'watch', 'interval', ...OF_TABLES],
  list: [...SELECTING, 'limit', 'cursor', 'null', ...OF_TABLES],
  ids: ['id'],
  problems: ['problems', 'limit'],
  reasons: ['group-by', 'state', 'output'],
};

/** How errors name each view. */
const ASKED_BY: Readonly<Record<InspectView, string>> = {
  overview: 'inspect without TOPIC',
  list: 'TOPIC or a selection',
  ids: '--id',
  problems: '--problems',
  reasons: '--group-by',
};

/** The values of the flags. */
export interface InspectFlags extends SelectionFlags {
  readonly id?: readonly string[] | undefined;
  readonly exact: boolean;
  readonly problems: boolean;
  readonly 'group-by'?: string | undefined;
  readonly watch: boolean;
  readonly interval?: number | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly output?: ListFormat | undefined;
  readonly null: boolean;
  readonly columns?: readonly string[] | undefined;
  readonly sort?: string | undefined;
  readonly 'no-headers': boolean;
  readonly base64: boolean;
  readonly json: boolean;
}

/**
 * @param topics those that stand as arguments
 * @param readsIds whether an argument is `-`, for ids on stdin
 * @throws DelayerError `usage` for flags that do not go together
 */
export function toView(
  flags: InspectFlags,
  { topics, readsIds, usage }: { topics: readonly string[]; readsIds: boolean; usage: string },
): InspectView {
  const view = askedFor(flags, topics, readsIds);
  const error = (message: string, hint = 'Leave one of them out.') =>
    new DelayerError('usage', message, { hint });
  if (topics.length > 0 && (view === 'ids' || view === 'problems'))
    throw error(`TOPIC and ${readsIds ? '-' : ASKED_BY[view]} cannot be used together`);
  if (topics.length > 0 && flags.topic) throw error('TOPIC and --topic cannot be used together');
  if (view === 'reasons') assertReasons(flags, topics, usage);
  const other = Object.keys(inspectFlags).find(
    (name) => isGiven(flags[name as keyof InspectFlags]) && !FLAGS_OF[view].includes(name),
  );
  if (other === undefined) return view;
  if (view === 'overview' && FLAGS_OF.list.includes(other))
    throw error(`--${other} needs a TOPIC or a selection`, `Usage: ${usage}`);
  throw error(`${ASKED_BY[view]} and --${other} cannot be used together`);
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== false;

function assertReasons(
  { state, output = 'json' }: InspectFlags,
  topics: readonly string[],
  usage: string,
): void {
  if (topics.length !== 1)
    throw new DelayerError('usage', '--group-by needs exactly one TOPIC', { hint: `Usage: ${usage}` });
  if (output !== 'json')
    throw new DelayerError('usage', `--group-by and --output ${output} cannot be used together`, {
      hint: 'Counts are no jobs: they are printed as a table, or as one document with --output json.',
    });
  if (state?.some((one) => one !== 'dead'))
    throw new DelayerError('usage', 'only dead letters have a reason to group by', {
      hint: 'Leave --state out, or write --state dead.',
    });
}

function askedFor(flags: InspectFlags, topics: readonly string[], readsIds: boolean): InspectView {
  if (flags.id !== undefined || readsIds) return 'ids';
  if (flags.problems) return 'problems';
  if (flags['group-by'] !== undefined) return 'reasons';
  return topics.length > 0 || isSelecting(flags) ? 'list' : 'overview';
}
