import type { Stats } from '../core/results.js';

/** Rates are of so much time (ms), or of what was seen where that is less. */
const WINDOW_MS = 10_000;

/** Jobs a second that came into a line, and that left it; absent where the counts do not tell. */
export interface Rates {
  readonly in?: number | undefined;
  readonly out?: number | undefined;
}

/** What stands in line: what waits for its time, what can be taken, and what is in the hands of consumers. */
interface Line {
  readonly delayed: number;
  readonly ready: number;
  readonly leased: number;
  /** By how much the counts may be off; 0 where they are exact. */
  readonly delayedError: number;
  readonly leasedError: number;
}

interface Moment {
  readonly atMs: number;
  readonly total: Line;
  readonly topics: ReadonlyMap<string, Line>;
  /** Are topics missing from a sample, so that one that is absent may have jobs? */
  readonly isSample: boolean;
}

const EMPTY: Line = { delayed: 0, ready: 0, leased: 0, delayedError: 0, leasedError: 0 };

/**
 * Makes rates of counts that are taken now and then. A job that comes and goes between two counts is seen in neither;
 * one that is tried again has left, and comes anew. Where counts are estimates, a difference counts when it is larger
 * than their errors.
 */
export class RateMeter {
  private readonly moments: Moment[] = [];

  /** @param atMs when it was counted, on a clock that does not jump */
  add(stats: Stats, atMs: number): void {
    this.moments.push(toMoment(stats, atMs));
    while ((this.moments[1]?.atMs ?? Infinity) <= atMs - WINDOW_MS) this.moments.shift();
  }

  /** Of all topics; nothing before the second count. */
  get total(): Rates | undefined {
    return this.over(({ total }) => total);
  }

  /** @param topic its name as latin1 */
  of(topic: string): Rates | undefined {
    return this.over(({ topics, isSample }) => topics.get(topic) ?? (isSample ? undefined : EMPTY));
  }

  private over(lineOf: (moment: Moment) => Line | undefined): Rates | undefined {
    const seen = this.moments.flatMap(({ atMs, ...moment }) => {
      const line = lineOf({ atMs, ...moment });
      return line ? [{ atMs, line }] : [];
    });
    const [first, last] = [seen[0], seen.at(-1)];
    if (!first || !last || last.atMs <= first.atMs) return undefined;
    const seconds = (last.atMs - first.atMs) / 1000;
    // Many small differences of estimates say nothing where the one over all that time may.
    const steps = seen.every(({ line }) => isExact(line)) ? seen : [first, last];
    let [into, out]: [number | undefined, number | undefined] = [0, 0];
    for (const [i, { line }] of steps.slice(1).entries()) {
      const flow = flowBetween(steps[i]?.line ?? line, line);
      into = plus(into, flow.in);
      out = plus(out, flow.out);
    }
    return { in: into && into / seconds, out: out && out / seconds };
  }
}

const isExact = ({ delayedError, leasedError }: Line): boolean => delayedError === 0 && leasedError === 0;

const plus = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

/**
 * Jobs that came and left between two counts: the fewest that explain them, where jobs go from delayed to ready to
 * leased and out.
 */
function flowBetween(before: Line, after: Line): Rates {
  const delayed = change(before, after, 'delayed', 'delayedError');
  const leased = change(before, after, 'leased', 'leasedError');
  const ready = after.ready - before.ready;
  // What became ready is not known then. What left is no less than what those lost that are known.
  if (delayed === undefined || leased === undefined) {
    const lost = -(ready + (leased ?? 0));
    return { in: undefined, out: lost > 0 ? lost : undefined };
  }
  let into = 0;
  let moved = 0;
  for (const grown of [delayed, ready, leased]) {
    const more = grown - moved;
    into += Math.max(0, more);
    moved = Math.max(0, -more);
  }
  return { in: into, out: moved };
}

/** Nothing where the difference may be one of estimates alone. */
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

function toMoment({ topics, totals, estimate }: Stats, atMs: number): Moment {
  const total: Line = {
    delayed: totals.delayed ?? 0,
    ready: (totals.due ?? 0) + (totals.ready ?? 0),
    leased: totals.leased ?? 0,
    delayedError: estimate?.errors.delayed ?? 0,
    leasedError: estimate?.errors.leased ?? 0,
  };
  // A topic of which a sample held no job has perhaps as many as go unseen.
  const unseen = (state: 'delayed' | 'leased') =>
    topics.some(({ errors }) => errors?.[state] !== undefined) ? (estimate?.missingBelow ?? 0) : 0;
  const [delayedError, leasedError] = [unseen('delayed'), unseen('leased')];
  const lines = topics.map((row): readonly [string, Line] => [
    row.topic.toString('latin1'),
    {
      ...{ delayed: row.delayed, ready: row.due + row.ready, leased: row.leased },
      delayedError: row.errors?.delayed ?? delayedError,
      leasedError: row.errors?.leased ?? leasedError,
    },
  ]);
  return { atMs, total, topics: new Map(lines), isSample: estimate !== undefined };
}
