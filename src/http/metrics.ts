import { isUtf8 } from 'node:buffer';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { type DaemonStatus, STEP_BOUNDS_MS } from '../core/daemon-status.js';
import type { Bytes, JobState } from '../core/job.js';
import { LATENESS_BOUNDS_MS } from '../core/lateness.js';
import type { Stats, TopicStats } from '../core/views.js';

export const METRICS_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/** How many topics have figures of their own, those with most jobs first; the others are summed. */
const TOP_TOPICS = 50;
const OTHER = 'other';
const TOPIC_STATES = ['delayed', 'due', 'ready', 'leased', 'dead'] as const;

/** The content of a store, and its time. */
export interface StatsNow {
  readonly stats: Stats;
  readonly now: Date;
}

/**
 * The metrics for Prometheus.
 * @param found absent when the store did not answer
 * @param reconnects how often the connection to the store was made anew
 */
export async function metricsText(
  status: DaemonStatus,
  found: StatsNow | undefined,
  reconnects: number,
): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name: `delayer_${name}`, help, registers }).set(value);
  const counter = (name: string, help: string, value: number) =>
    new Counter({ name: `delayer_${name}_total`, help, registers }).inc(value);

  gauge('up', 'Whether the store answered the request of this scrape (1) or not (0).', found ? 1 : 0);
  addTotals(status, counter);
  counter('reconnects', 'Reconnections to the store.', reconnects);
  gauge('stuck_jobs', 'Due jobs that a key of the wrong type keeps from being made ready.', status.stuck);
  gauge(
    'original_daemon_clients',
    'Clients that poll the store like an original daemon.',
    status.originalDaemons.length,
  );
  gauge('unnamed_bodies', 'Bodies that no key has referred to for some minutes.', status.unnamedBodies);
  gauge('wrong_type_keys', 'Keys of the store that have a wrong type.', status.wrongTypes.length);
  gauge(
    'behind_seconds',
    'How late the jobs are that are being made ready; 0 when no due job is left.',
    status.behindMs / 1000,
  );
  addRepairs(status, registers);
  addHistograms(status, registers);
  addProcess(registers);
  if (found) addStats(found, registers, gauge);
  return registry.metrics();
}

type Add = (name: string, help: string, value: number) => void;

function addTotals({ totals, buried, doubled, outages }: DaemonStatus, counter: Add): void {
  counter('promoted_jobs', 'Jobs that this daemon made ready.', totals.promoted);
  counter('expired_jobs', 'Expired jobs that this daemon cleared away.', totals.expired);
  counter(
    'reclaimed_jobs',
    'Jobs that this daemon made ready again because their lease had ended.',
    totals.reclaimed,
  );
  counter(
    'buried_jobs',
    'Jobs that this daemon made dead letters because their leases ended too often.',
    buried,
  );
  counter(
    'deleted_dead_jobs',
    'Dead letters that this daemon deleted after their retention time.',
    totals.deleted,
  );
  counter('doubled_entries', 'Duplicate entries of ready jobs that this daemon removed.', doubled);
  counter('outages', 'Times that this daemon could not use its store.', outages);
}

function addRepairs({ repairs }: DaemonStatus, registers: Registry[]): void {
  const labelNames = ['kind'];
  const help = 'Left-overs that this daemon cleared away, by kind.';
  const counter = new Counter({ name: 'delayer_repairs_total', help, labelNames, registers });
  for (const [kind, count] of Object.entries(repairs)) counter.inc({ kind }, count);
}

function addHistograms({ lateness, steps }: DaemonStatus, registers: Registry[]): void {
  const none = { counts: LATENESS_BOUNDS_MS.map(() => 0), sumMs: 0 };
  for (const [name, help, boundsMs, counted] of [
    [
      'promotion_lateness',
      'How late this daemon made jobs ready, by the clock of the store.',
      LATENESS_BOUNDS_MS,
      lateness ?? none,
    ],
    [
      'step',
      'Duration of maintenance steps, from the request to the answer of the store.',
      STEP_BOUNDS_MS,
      steps,
    ],
  ] as const) {
    const buckets = boundsMs.map((ms) => ms / 1000);
    new CountedHistogram({ name: `delayer_${name}_seconds`, help, buckets, registers }, counted);
  }
}

/** A histogram of values that were counted elsewhere. */
class CountedHistogram extends Histogram {
  constructor(
    private readonly config: { name: string; help: string; buckets: number[]; registers: Registry[] },
    private readonly counted: { readonly counts: readonly number[]; readonly sumMs: number },
  ) {
    super(config);
  }

  /** The registry calls this when it prints. */
  getForPromString() {
    const { name, help, buckets } = this.config;
    let count = 0;
    const values = [...buckets, '+Inf'].map((le, i) => {
      count += this.counted.counts[i] ?? 0;
      return { labels: { le }, value: count, metricName: `${name}_bucket` };
    });
    const sum = { labels: {}, value: this.counted.sumMs / 1000, metricName: `${name}_sum` };
    const total = { labels: {}, value: count, metricName: `${name}_count` };
    return Promise.resolve({ name, help, type: 'histogram', values: [...values, sum, total] });
  }
}

function addProcess(registers: Registry[]): void {
  const { user, system } = process.cpuUsage();
  new Counter({ name: 'process_cpu_seconds_total', help: 'Processor time of this process.', registers }).inc(
    (user + system) / 1e6,
  );
  const gauges: [string, string, number][] = [
    ['process_resident_memory_bytes', 'Resident memory of this process.', process.memoryUsage.rss()],
    [
      'process_start_time_seconds',
      'When this process began, in Unix time.',
      Math.round(Date.now() / 1000 - process.uptime()),
    ],
  ];
  for (const [name, help, value] of gauges) new Gauge({ name, help, registers }).set(value);
}

function addStats({ stats, now }: StatsNow, registers: Registry[], gauge: Add): void {
  const states = new Gauge({
    name: 'delayer_jobs',
    help: 'Jobs by state.',
    labelNames: ['state'],
    registers,
  });
  for (const [state, count] of Object.entries(stats.totals)) states.set({ state }, count);
  const since = (at: Date | undefined) => (at ? Math.max(0, now.getTime() - at.getTime()) / 1000 : 0);
  gauge(
    'overdue_seconds',
    'Since when the first job is due that is not made ready yet; 0 when there is none.',
    since(stats.overdueSince),
  );
  if (stats.endedLeases !== undefined)
    gauge(
      'ended_leases',
      'Reservations whose leases have ended and were not taken back yet.',
      stats.endedLeases,
    );
  if (stats.daemons)
    gauge('daemons', 'Daemons of delayer that were seen in the last 15 s.', stats.daemons.length);
  addTopics(stats.topics, registers, since);
}

function addTopics(
  topics: readonly TopicStats[],
  registers: Registry[],
  since: (at: Date | undefined) => number,
): void {
  const labelNames = ['topic'];
  const jobs = new Gauge({
    name: 'delayer_topic_jobs',
    help: `Jobs by topic and state, of the ${TOP_TOPICS} topics with most jobs, and of the others together.`,
    labelNames: ['topic', 'state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'delayer_oldest_ready_seconds',
    help: 'Since when the ready job is due that has waited longest.',
    labelNames,
    registers,
  });
  const paused = new Gauge({
    name: 'delayer_topic_paused',
    help: 'Is the topic paused (1).',
    labelNames,
    registers,
  });
  const inOrder = [...topics].sort((a, b) => jobsOf(b) - jobsOf(a));
  // A topic may have the label of all others, or of one that is not UTF-8.
  const ages = new Map<string, number>();
  for (const [i, row] of inOrder.entries()) {
    const isOther = i >= TOP_TOPICS;
    const topic = isOther ? OTHER : labelOf(row.topic);
    for (const state of TOPIC_STATES) jobs.inc({ topic, state }, row[state]);
    const age = Math.max(ages.get(topic) ?? 0, since(row.oldestReadyAt));
    ages.set(topic, age);
    oldest.set({ topic }, age);
    if (!isOther && row.pausedUntilMs !== undefined) paused.set({ topic }, 1);
  }
}

const jobsOf = (row: TopicStats): number =>
  TOPIC_STATES.reduce((sum, state: JobState) => sum + (row[state] ?? 0), 0);

/** A label for people: in base64 when it is not UTF-8. */
function labelOf(topic: Bytes): string {
  return isUtf8(topic) ? Buffer.from(topic).toString() : `base64:${Buffer.from(topic).toString('base64')}`;
}
