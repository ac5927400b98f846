import * as Args from '@oclif/core/args';
import { BaseCommand } from '../cli/base-command.js';
import { chooseColumns, toOrder } from '../cli/choose-columns.js';
import { inspectFlags, type InspectView, toView } from '../cli/inspect-flags.js';
import { showFlawed, showJobs, showOverview, showReasons } from '../cli/inspect-views.js';
import { type Listing, listJobs, MAX_SORTED } from '../cli/list-jobs.js';
import { readsStdin } from '../cli/input/arguments.js';
import { type SelectionFlags, toSelected } from '../cli/selection-flags.js';
import { countBehindDashes } from '../cli/argv.js';
import { DelayerError } from '../core/errors.js';
import type { Queue } from '../core/queue.js';
import type { ListFormat } from '../output/job-lists.js';

interface ListFlags extends SelectionFlags {
  readonly base64: boolean;
  readonly json: boolean;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly output?: ListFormat | undefined;
  readonly null: boolean;
  readonly columns?: string[] | undefined;
  readonly sort?: string | undefined;
  readonly 'no-headers': boolean;
}

export default class Inspect extends BaseCommand {
  static override summary = 'Show what is in the queue: all topics, the jobs of some, or one job.';
  static override description = `Without a TOPIC and without a selection: how many jobs each topic has. With them: the jobs, on a terminal a page of them, else all. A page of topics is in the order of delivery, and goes on with --cursor; all else comes in the order of the store.
Exit code 1 when there is no such job.`;
  static override usage = [
    'inspect [--exact]',
    'inspect TOPIC... [SELECTION] [flags]',
    'inspect SELECTION [flags]',
    'inspect --id ID',
    'inspect --problems',
  ];
  static override examples = [
    '<%= config.bin %> inspect',
    '<%= config.bin %> inspect --exact',
    '<%= config.bin %> inspect close_order --state ready --limit 20',
    '<%= config.bin %> inspect close_order --state dead',
    '<%= config.bin %> inspect close_order --group-by reason',
    `<%= config.bin %> inspect --topic 'close_*' --due-before +1h --sort due`,
    `<%= config.bin %> inspect --grep '"customer":17' --output id`,
    '<%= config.bin %> inspect --id 32',
    '<%= config.bin %> inspect --problems',
  ];
  static override args = {
    topic: Args.string({
      multiple: true,
      description: 'show the jobs of these topics; - alone: explain the jobs of the ids on stdin',
    }),
  };
  static override flags = inspectFlags;

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Inspect);
    const given = args.topic ?? [];
    const dashes = { args: given, literalCount: countBehindDashes(this.argv) };
    const topics = given.filter((_, i) => !readsStdin(dashes, i));
    const ids = [...(flags.id ?? []), ...given.filter((_, i) => readsStdin(dashes, i))];
    const readsIds = topics.length < given.length;
    const view = toView(flags, { topics, readsIds, usage: this.usage });
    const { json } = flags;
    const list = view === 'list' ? await this.list(topics, flags) : undefined;
    const [topic = ''] = topics;
    const showing: Record<InspectView, (queue: Queue) => Promise<number>> = {
      overview: (queue) => showOverview(queue, { json, exact: flags.exact }),
      list: async (queue) => (await list?.(queue)) ?? 0,
      ids: (queue) => showJobs(queue, this.idsOf(ids, flags.base64), json),
      problems: (queue) => showFlawed(queue, flags.limit, json),
      reasons: (queue) => showReasons(queue, this.toBytes(topic, flags.base64), json),
    };
    this.endWith(await this.withQueue(flags, showing[view]));
  }

  /** @returns what shows the list, and answers the exit code */
  private async list(
    topics: readonly string[],
    flags: ListFlags,
  ): Promise<(queue: Queue) => Promise<number>> {
    const { cursor, where, sort, limit = 0 } = flags;
    const toBytes = (text: string) => this.toBytes(text, flags.base64);
    const select = await toSelected(flags, { named: topics, toBytes });
    const how = await toListing(flags);
    if (cursor !== undefined && (topics.length === 0 || where !== undefined || sort !== undefined))
      throw new DelayerError('usage', '--cursor needs a TOPIC, and goes with neither --where nor --sort', {
        hint: `Usage: ${this.usage}`,
      });
    if (sort !== undefined && limit > MAX_SORTED)
      throw new DelayerError('usage', `--sort shows ${MAX_SORTED} jobs at most`, {
        hint: 'Leave --sort out for all jobs in the order of the store, or give a smaller --limit.',
      });
    return async (queue) => listJobs(queue, await select(queue), how);
  }
}

async function toListing(flags: ListFlags): Promise<Listing> {
  const { json, cursor, output = json ? 'json' : undefined } = flags;
  const isBytes = output === 'id' || output === 'body';
  if (flags.null && !isBytes)
    throw new DelayerError('usage', '-0 needs --output id or --output body', { hint: 'Leave it out.' });
  if (flags.columns && output !== undefined)
    throw new DelayerError('usage', '--columns is for a table', { hint: 'Leave --output and --json out.' });
  const names = flags.columns ?? [];
  const isNamed = names.length > 0 || flags.sort !== undefined;
  // Colours take milliseconds to load, and most lists need no names of columns.
  const all = isNamed ? (await import('../output/job-table.js')).JOB_COLUMNS : [];
  return {
    ...{ format: output, cursor, hasHeads: !flags['no-headers'] },
    columns: names.length > 0 ? chooseColumns(all, names) : undefined,
    order: toOrder(all, flags.sort),
    terminator: flags.null ? '\0' : '\n',
  };
}
