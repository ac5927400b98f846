import * as Args from '../cli/oclif/args.js';
import { BaseCommand } from '../cli/base-command.js';
import { count, durationAhead, positiveDuration, rate, type Rate } from '../cli/flags.js';
import { tableWidth } from '../cli/tables.js';
import { DelayerError } from '../core/errors.js';
import { type Forecast, simulate, spreadOut } from '../core/forecast.js';
import type { Queue } from '../core/queue.js';
import { forecastTable, forecastToJson } from '../output/forecast.js';
import { writeStdout } from '../output/stdout.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** People do not read more rows, and programs can ask for a larger step. */
const MAX_STEPS = 10_000;

interface Workers {
  readonly rate?: Rate | undefined;
  readonly workers?: number | undefined;
  readonly each?: number | undefined;
}

export default class ForecastCommand extends BaseCommand {
  static override summary = 'Show how many jobs will be due when, and how late workers will start them.';
  static override description = `Without TOPIC every job is counted. With TOPIC, the counts of a Redis with more than 20,000 delayed jobs are estimates from a sample, and their errors are shown. With --rate, or --workers and --each, it also shows how many jobs wait at the end of each step, and how late at most a job of that step starts.`;
  static override usage = [
    'forecast [TOPIC...] [flags]',
    'forecast [TOPIC...] --rate N/UNIT [flags]',
    'forecast [TOPIC...] --workers N --each DURATION [flags]',
  ];
  static override examples = [
    '<%= config.bin %> forecast',
    '<%= config.bin %> forecast close_order --until 2h --step 10m --rate 20/s --max-late 5m',
    '<%= config.bin %> forecast --workers 4 --each 300ms --spread 30m',
  ];
  static override args = {
    topic: Args.string({ multiple: true, description: 'only these topics' }),
  };
  static override flags = {
    until: durationAhead('until')({
      description: 'how far to look ahead, rounded up to whole steps [default: 24h]',
    }),
    step: positiveDuration('step')({
      description: 'length of time of each row [default: at most 1h, so that the last row ends at --until]',
    }),
    rate: rate('rate')({
      description: 'throughput of all workers together, in jobs per UNIT (s, m, h or d): 20/s',
      exclusive: ['workers', 'each'],
    }),
    workers: count('workers')({
      description: 'number of workers, each of which does one job at a time',
      dependsOn: ['each'],
    }),
    each: positiveDuration('each')({
      description: 'how long a worker takes for a job',
      dependsOn: ['workers'],
    }),
    'max-late': positiveDuration('max-late')({
      description: 'report when jobs would start later than DURATION after their due time',
    }),
    spread: positiveDuration('spread')({
      description: 'also show the forecast for due times spread over DURATION',
    }),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(ForecastCommand);
    const { until = DAY_MS, spread: spreadMs } = flags;
    const stepMs = flags.step ?? Math.ceil(until / Math.ceil(until / HOUR_MS));
    const steps = Math.ceil(until / stepMs);
    if (steps > MAX_STEPS)
      throw new DelayerError('usage', `too many steps: ${steps}`, {
        hint: `At most ${MAX_STEPS}: use a longer --step.`,
      });
    const perSecond = toPerSecond(flags);
    if (flags['max-late'] !== undefined && perSecond === undefined)
      throw new DelayerError('usage', '--max-late needs --rate, or --workers and --each', {
        hint: 'Add them to say how fast workers are.',
      });
    const named = (args.topic ?? []).map((topic) => this.toBytes(topic, flags.base64));
    const topics = named.length === 0 ? undefined : named;
    await this.withQueue(flags, async (queue) => {
      const { now, counts: due, errors } = await queue.dueCounts({ topics, stepMs, steps });
      const { backlog, backlogLateMs, paused } = await backlogOf(queue, topics, now);
      const spread = spreadMs === undefined ? undefined : spreadOut(due, stepMs, spreadMs);
      const run = (jobs: readonly number[] | undefined) =>
        jobs && perSecond !== undefined
          ? simulate({ due: jobs, stepMs, backlog, backlogLateMs }, perSecond, flags['max-late'])
          : undefined;
      const [before, after] = [run(due), run(spread)];
      const forecast: Forecast = { now, stepMs, backlog, paused, due, errors, spread, before, after };
      if (flags.json) return this.printJson(forecastToJson(queue.label, forecast));
      await writeStdout(forecastTable(forecast, flags['max-late'], tableWidth()));
    });
  }
}

/** How many jobs all workers do in a second. */
function toPerSecond({ rate: given, workers, each }: Workers): number | undefined {
  if (given !== undefined) return (given.count * 1000) / given.perMs;
  return workers === undefined || each === undefined ? undefined : (workers * 1000) / each;
}

/** The jobs that workers could start now, how late (ms) the first of them is, and which topics are paused. */
async function backlogOf(queue: Queue, topics: readonly Buffer[] | undefined, now: Date) {
  const { totals, topics: rows, overdueSince } = await queue.stats({ exact: false });
  const isWanted = (topic: Uint8Array) => topics?.some((one) => one.equals(topic)) ?? true;
  const wanted = rows.filter(({ topic }) => isWanted(topic));
  const backlog =
    topics === undefined
      ? (totals.ready ?? 0) + (totals.due ?? 0)
      : wanted.reduce((jobs, { ready, due }) => jobs + ready + due, 0);
  const dueSince = wanted.some(({ due }) => due > 0) ? overdueSince : undefined;
  const since = [dueSince, ...wanted.map(({ oldestReadyAt }) => oldestReadyAt)];
  const backlogLateMs = since.reduce((most, at) => Math.max(most, at ? now.getTime() - at.getTime() : 0), 0);
  const paused = wanted.filter(({ pausedUntilMs }) => pausedUntilMs !== undefined).map(({ topic }) => topic);
  return { backlog, backlogLateMs, paused };
}
