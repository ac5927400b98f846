import * as Args from '../cli/oclif/args.js';
import * as Flags from '../cli/oclif/flags.js';
import { hasSwitch } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { threshold } from '../cli/check-flags.js';
import { reportError, toDelayerError } from '../cli/errors.js';
import { hintFor } from '../cli/hints.js';
import {
  checkStats,
  DEFAULT_CRIT,
  DEFAULT_WARN,
  type FigureName,
  levelOf,
  type Thresholds,
} from '../core/check-stats.js';
import { DelayerError, ERRORS } from '../core/errors.js';
import { CHECK_FORMATS, type CheckFormat, checkErrorText, checkText } from '../output/check.js';
import { writeStdout } from '../output/stdout.js';

/** The exit code of an error of the store. */
const STORE_EXIT_CODE = ERRORS.store_unreachable.exitCode;

export default class Check extends BaseCommand {
  static override summary = 'Compare a queue with thresholds, for a monitoring system.';
  static override description = `Keys: oldest (how long the oldest ready job has been due), late (how long a due job has waited to be made ready), ready, due, delayed, leased and dead (numbers of jobs), ended (leases that have expired and were not reclaimed), memory (percent of Redis's maxmemory, or of the disk space that the file may use), daemons (seen in the last 15 s). daemons alerts below its threshold, all others above.
Defaults: --warn oldest=10m late=30s dead=0 ended=100 memory=80 daemons=1, --crit oldest=1h late=5m memory=95; KEY=off removes a threshold.
Exit code 0 if all values are within their thresholds, 1 for a warning, 2 if a value is critical or the store cannot be reached, 3 for wrong usage and other errors.`;
  static override usage = 'check [TOPIC...] [--warn KEY=VALUE...] [--crit KEY=VALUE...] [flags]';
  static override examples = [
    '<%= config.bin %> check',
    '<%= config.bin %> check close_order --warn ready=100 --crit oldest=10m',
    '<%= config.bin %> check --format prometheus',
  ];
  static override args = {
    topic: Args.string({
      multiple: true,
      description: 'only these topics, for the keys that belong to topics',
    }),
  };
  static override flags = {
    warn: threshold('warn')({
      multiple: true,
      description: 'warning when the value is above VALUE (daemons: below); repeatable',
    }),
    crit: threshold('crit')({
      multiple: true,
      description: 'critical when the value is above VALUE (daemons: below); repeatable',
    }),
    format: Flags.option({ options: CHECK_FORMATS })({
      description: 'print a line for Nagios, metrics for Prometheus, or JSON [default: nagios]',
    }),
    exact: Flags.boolean({
      description:
        'count every job, where counts of topics would be estimates: on Redis with more than 10,000 jobs',
    }),
  };

  private format: CheckFormat = 'nagios';

  override async run(): Promise<void> {
    // Before the flags are checked, because what is wrong with them is told in this format, too.
    if (asksForJson(this.argv)) this.format = 'json';
    const { args, flags } = await this.parse(Check);
    this.format = flags.format ?? (flags.json ? 'json' : 'nagios');
    if (flags.json && this.format !== 'json')
      throw new DelayerError('usage', `--json and --format ${this.format} cannot be used together`, {
        hint: 'Leave one of them out.',
      });
    const topics = (args.topic ?? []).map((topic) => this.toBytes(topic, flags.base64));
    if (topics.some((topic) => topic.length === 0))
      throw new DelayerError('usage', 'a topic is empty', { hint: 'Give it at least one byte.' });
    const request = {
      topics,
      warn: merged(DEFAULT_WARN, flags.warn),
      crit: merged(DEFAULT_CRIT, flags.crit),
    };
    await this.withQueue(flags, async (queue) => {
      const [stats, now] = await Promise.all([queue.stats({ exact: flags.exact }), queue.now()]);
      const figures = checkStats(stats, now, request);
      await writeStdout(checkText(figures, this.format));
      this.endWith(levelOf(figures));
    });
  }

  /** Monitoring systems read stdout and the exit code, and know four exit codes. */
  protected override async catch(error: Error): Promise<void> {
    const failure = toDelayerError(error);
    const level = failure.exitCode === STORE_EXIT_CODE ? 2 : 3;
    const said = { message: failure.message, hint: hintFor(failure, this.id) };
    await writeStdout(checkErrorText(level, said, this.format)).catch(() => {
      reportError(error, this.argv, this.id);
    });
    this.endWith(level);
  }
}

function merged(defaults: Thresholds, given: readonly (readonly [FigureName, number])[] = []): Thresholds {
  return { ...defaults, ...(Object.fromEntries(given) as Thresholds) };
}

function asksForJson(argv: readonly string[]): boolean {
  const at = argv.indexOf('--format');
  return hasSwitch(argv, 'json') || argv.includes('--format=json') || (at >= 0 && argv[at + 1] === 'json');
}
