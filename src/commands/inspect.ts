import * as Args from '../cli/oclif/args.js';
import { BaseCommand } from '../cli/base-command.js';
import { type InspectFlags, inspectFlags, type InspectView, toView } from '../cli/inspect-flags.js';
import { toListing, toOverview } from '../cli/inspect-look.js';
import { showFlawed, showJobs, showReasons } from '../cli/inspect-views.js';
import { listJobs } from '../cli/list-jobs.js';
import { showOverview, watchOverview } from '../cli/overview.js';
import { Interruption } from '../cli/signals.js';
import { readsStdin } from '../cli/input/arguments.js';
import { toSelected } from '../cli/selection-flags.js';
import { countBehindDashes } from '../cli/argv.js';
import type { Queue } from '../core/queue.js';

/** How often (ms) --watch looks at the store. */
const WATCH_MS = 2000;

export default class Inspect extends BaseCommand {
  static override summary = 'Show what is in the queue: all topics, the jobs of some topics, or one job.';
  static override description = `Without TOPIC and selection, it shows how many jobs each topic has. With them it lists jobs: a page on a terminal, else all. A page of TOPICs is in the order of delivery, and --cursor shows the next one; all other lists are in the order of the store.
Exit code 1 if no job matches.`;
  static override usage = [
    'inspect [--exact] [--watch]',
    'inspect TOPIC... [SELECTION] [flags]',
    'inspect SELECTION [flags]',
    'inspect --id ID',
    'inspect --problems',
  ];
  static override examples = [
    '<%= config.bin %> inspect',
    '<%= config.bin %> inspect --exact',
    '<%= config.bin %> inspect --sort -ready --watch',
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
      description: 'show the jobs of these topics; - reads ids from stdin and explains their jobs',
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
    const show = await this.viewed(view, flags, { topics, ids });
    this.endWith(await this.withQueue(flags, show));
  }

  /** @returns a function that prints the view and answers the exit code */
  private async viewed(
    view: InspectView,
    flags: InspectFlags,
    { topics, ids }: { readonly topics: readonly string[]; readonly ids: readonly string[] },
  ): Promise<(queue: Queue) => Promise<number>> {
    const { base64, json, output } = flags;
    const toBytes = (text: string) => this.toBytes(text, base64);
    const [topic = ''] = topics;
    switch (view) {
      case 'overview':
        return this.overview(flags);
      case 'list': {
        const how = await toListing(flags, topics, this.usage);
        const select = await toSelected(flags, { named: topics, toBytes });
        return async (queue) => listJobs(queue, await select(queue), how);
      }
      case 'ids':
        return (queue) => showJobs(queue, this.idsOf(ids, base64), json);
      case 'problems':
        return (queue) => showFlawed(queue, flags.limit, json);
      case 'reasons':
        return (queue) => showReasons(queue, toBytes(topic), json || output === 'json');
    }
  }

  private async overview(flags: InspectFlags): Promise<(queue: Queue) => Promise<number>> {
    const how = await toOverview(flags);
    if (!flags.watch) return (queue) => showOverview(queue, how);
    const interruption = (this.interruption = new Interruption());
    const intervalMs = flags.interval ?? WATCH_MS;
    return (queue) => watchOverview(queue, how, { intervalMs, interruption });
  }
}
