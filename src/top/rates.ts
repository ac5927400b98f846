import type { Stats } from '../core/views.js';

/**
 * Rates are measured over so much time (ms), or over so many looks if that is longer, or over what there is.
 */
const WINDOW_MS = 10_000;
const WINDOW_LOOKS = 5;
/** Jobs due later than this many looks from now are counted separately, until only two looks are left. */
const LOOKS_AHEAD = 8;
const LEAST_LOOKS = 2;

/** Jobs a second that came into a line and that left it; absent where the counts do not show it. */
export interface Rates {
  readonly in?: number | undefined;
  readonly out?: number | undefined;
}

/** The jobs in a line: delayed ones, ready ones, and leased ones. */
interface Line {
  readonly delayed: number;
  /**
   * How many of them are due after the time beyond which they were counted. Absent when that was not counted, or is
   * an estimate.
   */
  readonly beyond?: number | undefined;
  readonly ready: number;
  readonly leased: number;
  /** By how much the counts may be off; 0 when they are exact. */
  readonly delayedError: number;
  readonly leasedError: number;
}

interface Reading {
  readonly atMs: number;
  /** The time beyond which jobs were counted apart (ms). */
  readonly beyondMs: number | undefined;
  readonly total: Line;
  readonly topics: ReadonlyMap<string, Line>;
  /** Are topics missing from a sample, so that one that is absent may have jobs? */
  readonly isSample: boolean;
}

const EMPTY: Line = { delayed: 0, ready: 0, leased: 0, delayedError: 0, leasedError: 0 };

/**
 * Computes rates from counts that are taken now and then. A job that comes and goes between two counts is seen in
 * neither; one that is retried counts as left and as new. With estimates, a difference counts only if it is larger
 * than their errors.
 */
export class RateMeter {
  private readonly readings: Reading[] = [];
  private beyondMs: number | undefined;
  private aheadMs: number;

  /**
   * @param intervalMs the usual time between two looks
   * @param now by the store's clock, as each look reports it
   * @param atMs the same time on a clock that does not jump
   */
  constructor(
    private readonly intervalMs: number,
    now: Date,
    atMs: number,
  ) {
    this.aheadMs = now.getTime() - atMs;
  }

  /**
   * The time beyond which the next look counts jobs separately. It is the same for several looks, so no job passes
   * it by waiting. This shows pushes even when as many jobs become due.
   */
  beyond(atMs: number): Date {
    const nowMs = atMs + this.aheadMs;
    if (this.beyondMs === undefined || this.beyondMs < nowMs + LEAST_LOOKS * this.intervalMs)
      this.beyondMs = Math.round(nowMs + LOOKS_AHEAD * this.intervalMs);
    return new Date(this.beyondMs);
  }

  /**
   * @param now by the store's clock, @param atMs when it was counted, on a clock that does not jump
   * @param beyond what it was asked to count apart
   */
  add(stats: Stats, now: Date, atMs: number, beyond?: Date): void {
    this.aheadMs = now.getTime() - atMs;
    this.readings.push(toReading(stats, atMs, beyond?.getTime()));
    const windowMs = Math.max(WINDOW_MS, WINDOW_LOOKS * this.intervalMs);
    while ((this.readings[1]?.atMs ?? Infinity) <= atMs - windowMs) this.readings.shift();
  }

  /** The rates of all topics; undefined before the second count. */
  get total(): Rates | undefined {
    return this.over(({ total }) => total);
  }

  /** @param topic its name as latin1 */
  of(topic: string): Rates | undefined {
    return this.over(({ topics, beyondMs, isSample }) => {
      const none = isSample ? undefined : { ...EMPTY, beyond: beyondMs && 0 };
      return topics.get(topic) ?? none;
    });
  }

  private over(lineOf: (reading: Reading) => Line | undefined): Rates | undefined {
    const seen = this.readings.flatMap((reading): Seen[] => {
      const line = lineOf(reading);
      return line ? [{ atMs: reading.atMs, beyondMs: reading.beyondMs, line }] : [];
    });
    const [first, last] = [seen[0], seen.at(-1)];
    if (!first || !last) return undefined;
    // Many small differences of estimates may be noise where the one over the whole time is not.
    const steps = seen.every(({ line }) => isExact(line)) ? seen : [first, last].map(withoutBeyond);
    let [into, out, ms]: [number | undefined, number | undefined, number] = [0, 0, 0];
    for (const [i, after] of steps.slice(1).entries()) {
      const before = steps[i] ?? after;
      if (!isComparable(before, after)) continue;
      const flow = flowBetween(before.line, after.line);
      into = plus(into, flow.in);
      out = plus(out, flow.out);
      ms += after.atMs - before.atMs;
    }
    if (ms <= 0) return undefined;
    return { in: into && (into * 1000) / ms, out: out && (out * 1000) / ms };
  }
}

type Seen = Pick<Reading, 'atMs' | 'beyondMs'> & { readonly line: Line };

const withoutBeyond = ({ line, ...seen }: Seen): Seen => ({ ...seen, line: { ...line, beyond: undefined } });

/** Counts beyond two different times cannot be compared. */
function isComparable(before: Seen, after: Seen): boolean {
  if (before.line.beyond === undefined || after.line.beyond === undefined)
    return before.line.beyond === after.line.beyond;
  return before.beyondMs === after.beyondMs;
}

const isExact = ({ delayedError, leasedError }: Line): boolean => delayedError === 0 && leasedError === 0;

const plus = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

/**
 * How many jobs came and left between two counts: the smallest numbers that explain them, if jobs go from delayed to
 * ready to leased and out.
 */
function flowBetween(before: Line, after: Line): Rates {
  const delayed = change(before, after, 'delayed', 'delayedError');
  const leased = change(before, after, 'leased', 'leasedError');
  const ready = after.ready - before.ready;
  // Then it is unknown how many became ready. At least as many left as the known states lost.
  if (delayed === undefined || leased === undefined) {
    const lost = -(ready + (leased ?? 0));
    return { in: undefined, out: lost > 0 ? lost : undefined };
  }
  const isApart = before.beyond !== undefined && after.beyond !== undefined;
  const far = isApart ? (after.beyond ?? 0) - (before.beyond ?? 0) : 0;
  let into = 0;
  let moved = 0;
  for (const grown of [far, delayed - far, ready, leased]) {
    const more = grown - moved;
    into += Math.max(0, more);
    moved = Math.max(0, -more);
  }
  return { in: into, out: moved };
}

/** Undefined when the difference may be an error of estimates. */
function change(
  before: Line,
  after: Line,
  state: 'delayed' | 'leased',
  error: 'delayedError' | 'leasedError',
): number | undefined {
  const difference = after[state] - before[state];
  const noise = Math.hypot(before[error], after[error]);
  return noise > 0 && Math.abs(difference) <= noise ? undefined : difference;
}

function toReading(
  { topics, totals, beyond, estimate }: Stats,
  atMs: number,
  beyondMs: number | undefined,
): Reading {
  const total: Line = {
    delayed: totals.delayed ?? 0,
    beyond,
    ready: (totals.due ?? 0) + (totals.ready ?? 0),
    leased: totals.leased ?? 0,
    delayedError: estimate?.errors.delayed ?? 0,
    leasedError: estimate?.errors.leased ?? 0,
  };
  // A topic without a job in the sample may have as many jobs as a sample can miss.
  const unseen = (state: 'delayed' | 'leased') =>
    topics.some(({ errors }) => errors?.[state] !== undefined) ? (estimate?.missingBelow ?? 0) : 0;
  const [delayedError, leasedError] = [unseen('delayed'), unseen('leased')];
  const lines = topics.map((row): readonly [string, Line] => [
    row.topic.toString('latin1'),
    {
      ...{ delayed: row.delayed, beyond: row.beyond, ready: row.due + row.ready, leased: row.leased },
      delayedError: row.errors?.delayed ?? delayedError,
      leasedError: row.errors?.leased ?? leasedError,
    },
  ]);
  return { atMs, beyondMs, total, topics: new Map(lines), isSample: estimate !== undefined };
}
