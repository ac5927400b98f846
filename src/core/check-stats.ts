import { formatDuration } from './duration.js';
import type { Bytes } from './job.js';
import type { Stats, TopicStats } from './views.js';

/** The figures that alerts are made on. `duration` figures are in ms. */
export const FIGURES = {
  oldest: { kind: 'duration', what: 'since the oldest ready job was due', ofTopic: true },
  late: { kind: 'duration', what: 'since the first job was due that is not made ready yet', ofTopic: false },
  ready: { kind: 'count', what: 'ready jobs', ofTopic: true },
  due: { kind: 'count', what: 'jobs that are due and not made ready yet', ofTopic: true },
  delayed: { kind: 'count', what: 'delayed jobs', ofTopic: true },
  leased: { kind: 'count', what: 'leased jobs', ofTopic: true },
  dead: { kind: 'count', what: 'dead letters', ofTopic: true },
  ended: { kind: 'count', what: 'leases that have ended and were not reclaimed', ofTopic: false },
  memory: {
    kind: 'percent',
    what: 'of the memory that Redis may use, or of the disk that a file may',
    ofTopic: false,
  },
  daemons: { kind: 'least', what: 'daemons that were seen in the last 15 s', ofTopic: false },
} as const satisfies Record<string, FigureSpec>;

interface FigureSpec {
  /** An alert when the value is more than the threshold; for `least` figures when it is less. */
  readonly kind: 'duration' | 'count' | 'percent' | 'least';
  readonly what: string;
  /** Is it a figure of the checked topics, or of the store? */
  readonly ofTopic: boolean;
}

export type FigureName = keyof typeof FIGURES;
export const FIGURE_NAMES = Object.keys(FIGURES) as FigureName[];

export type Thresholds = Partial<Readonly<Record<FigureName, number>>>;

const MINUTE_MS = 60_000;

/** The default alerts: conditions that are wrong in any queue. */
export const DEFAULT_WARN: Thresholds = {
  oldest: 10 * MINUTE_MS,
  late: MINUTE_MS / 2,
  dead: 0,
  ended: 100,
  memory: 80,
  daemons: 1,
};
export const DEFAULT_CRIT: Thresholds = { oldest: 60 * MINUTE_MS, late: 5 * MINUTE_MS, memory: 95 };

export interface Figure {
  readonly name: FigureName;
  readonly value: number;
  readonly warn: number | undefined;
  readonly crit: number | undefined;
  readonly level: 0 | 1 | 2;
  /** The topic with the worst value, when several are checked. */
  readonly topic?: Bytes | undefined;
  /** By how many jobs an estimated value may be off, in 95 of 100 cases. */
  readonly error?: number | undefined;
  /** The value is a lower bound. */
  readonly isAtLeast?: boolean | undefined;
}

export interface CheckRequest {
  /** Of all topics when empty. */
  readonly topics: readonly Bytes[];
  readonly warn: Thresholds;
  readonly crit: Thresholds;
}

/** The figures of a store; a figure that it does not have is left out. */
export function checkStats(stats: Stats, now: Date, { topics, warn, crit }: CheckRequest): Figure[] {
  const rows = topics.length === 0 ? stats.topics : stats.topics.filter(isOneOf(topics));
  return FIGURE_NAMES.flatMap((name) => {
    const found = valueOf(name, stats, rows, now, topics.length > 0);
    if (found === undefined) return [];
    const limits = { warn: finite(warn[name]), crit: finite(crit[name]) };
    const exceeds = (limit: number | undefined) =>
      limit !== undefined && (FIGURES[name].kind === 'least' ? found.value < limit : found.value > limit);
    const level = exceeds(limits.crit) ? 2 : exceeds(limits.warn) ? 1 : 0;
    return [{ name, ...found, ...limits, level } as const];
  });
}

/** The threshold of an alert that was turned off is infinite. */
const finite = (limit: number | undefined): number | undefined =>
  limit !== undefined && Number.isFinite(limit) ? limit : undefined;

type Found = Pick<Figure, 'value' | 'topic' | 'error' | 'isAtLeast'>;

function valueOf(
  name: FigureName,
  stats: Stats,
  rows: readonly TopicStats[],
  now: Date,
  isOfTopics: boolean,
): Found | undefined {
  switch (name) {
    case 'oldest':
      return oldestOf(rows, now);
    case 'late':
      return { value: ageOf(stats.overdueSince, now) };
    case 'ended':
      return stats.endedLeases === undefined ? undefined : { value: stats.endedLeases };
    case 'memory':
      return stats.usedPercent === undefined ? undefined : { value: stats.usedPercent };
    case 'daemons':
      return stats.daemons && { value: stats.daemons.length };
    default: {
      const total = stats.totals[name];
      if (!isOfTopics && total !== undefined) return { value: total, error: stats.estimate?.errors[name] };
      const errors = rows.map(({ errors: of }) => of?.[name] ?? 0);
      const error = Math.ceil(Math.sqrt(errors.reduce((sum, one) => sum + one ** 2, 0)));
      const value = rows.reduce((sum, row) => sum + row[name], 0);
      return { value, error: error === 0 ? undefined : error };
    }
  }
}

function oldestOf(rows: readonly TopicStats[], now: Date): Found {
  let oldest: TopicStats | undefined;
  for (const row of rows) {
    const isOlder =
      row.oldestReadyAt && !(oldest?.oldestReadyAt && oldest.oldestReadyAt <= row.oldestReadyAt);
    if (isOlder) oldest = row;
  }
  const isAtLeast = oldest?.isOldestAtLeast;
  return { value: ageOf(oldest?.oldestReadyAt, now), topic: oldest?.topic, isAtLeast };
}

const ageOf = (since: Date | undefined, now: Date): number =>
  since === undefined ? 0 : Math.max(0, now.getTime() - since.getTime());

const isOneOf =
  (topics: readonly Bytes[]) =>
  ({ topic }: TopicStats): boolean =>
    topics.some((one) => one.equals(topic));

/** The worst level of all figures. */
export const levelOf = (figures: readonly Figure[]): 0 | 1 | 2 =>
  figures.reduce<0 | 1 | 2>((most, { level }) => (level > most ? level : most), 0);

/** The value for people. */
export function figureText(name: FigureName, value: number): string {
  const { kind } = FIGURES[name];
  if (kind === 'percent') return `${value} %`;
  return kind === 'duration' ? formatDuration(value) : String(value);
}
