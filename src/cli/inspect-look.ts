import { DelayerError } from '../core/errors.js';
import type { NamedColumn, Order } from '../output/columns.js';
import { chooseColumns, toOrder } from './choose-columns.js';
import type { InspectFlags } from './inspect-flags.js';
import { type Listing, MAX_SORTED } from './list-jobs.js';
import type { OverviewOptions } from './overview.js';

/** How a list is to look, by its flags. @throws DelayerError `usage` */
export async function toListing(
  flags: InspectFlags,
  topics: readonly string[],
  usage: string,
): Promise<Listing> {
  const { json, cursor, where, sort, limit = 0, output = json ? 'json' : undefined } = flags;
  if (flags.null && output !== 'id' && output !== 'body')
    throw new DelayerError('usage', '-0 needs --output id or --output body', { hint: 'Leave it out.' });
  if (cursor !== undefined && (topics.length === 0 || where !== undefined || sort !== undefined))
    throw new DelayerError('usage', '--cursor needs a TOPIC, and cannot be used with --where or --sort', {
      hint: `Usage: ${usage}`,
    });
  if (sort !== undefined && limit > MAX_SORTED)
    throw new DelayerError('usage', `--sort shows ${MAX_SORTED} jobs at most`, {
      hint: 'Leave --sort out for all jobs in the order of the store, or give a smaller --limit.',
    });
  const load = async () => (await import('../output/job-table.js')).JOB_COLUMNS;
  return {
    ...(await toTable(flags, output !== undefined, load)),
    ...{ format: output, cursor, terminator: flags.null ? '\0' : '\n' },
  };
}

/** The same of the overview. */
export async function toOverview(flags: InspectFlags): Promise<OverviewOptions> {
  const { json, exact, output = json ? 'json' : undefined } = flags;
  if (output === 'body')
    throw new DelayerError('usage', '--output body needs a TOPIC or a selection', {
      hint: 'Topics have no bodies.',
    });
  const load = async () => (await import('../output/overview-table.js')).TOPIC_COLUMNS;
  return { ...(await toTable(flags, output !== undefined, load)), format: output, exact };
}

/** Column names are checked only when some are given: loading the table code takes milliseconds. */
async function toTable<Row>(
  { columns, sort, ...flags }: InspectFlags,
  isFormatted: boolean,
  load: () => Promise<readonly NamedColumn<Row>[]>,
): Promise<{ columns?: NamedColumn<Row>[]; order?: Order<Row> | undefined; hasHeads: boolean }> {
  if (columns && isFormatted)
    throw new DelayerError('usage', '--columns is for a table', { hint: 'Leave --output and --json out.' });
  const hasHeads = !flags['no-headers'];
  if (columns === undefined && sort === undefined) return { hasHeads };
  const all = await load();
  return { hasHeads, order: toOrder(all, sort), ...(columns && { columns: chooseColumns(all, columns) }) };
}
