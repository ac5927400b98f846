import type { Bytes } from './job.js';

/**
 * Computes how jobs that fall due pile up before workers of a given speed. The jobs of one step are assumed to be
 * due evenly over it, and workers to be equally fast all the time. No store is asked here.
 */

export interface Load {
  /** Jobs that are due in each step, in order. */
  readonly due: readonly number[];
  readonly stepMs: number;
  /** Jobs that already wait at the beginning. */
  readonly backlog: number;
  /** How late (ms) the first of these is by then; 0 when absent. */
  readonly backlogLateMs?: number | undefined;
}

export interface Simulation {
  readonly steps: readonly SimulatedStep[];
  /**
   * When (ms from the beginning) a job is first done that late; absent when none is, or no limit was given.
   */
  readonly breachMs?: number | undefined;
}

export interface SimulatedStep {
  readonly due: number;
  readonly done: number;
  /** Jobs that wait at the end of the step. */
  readonly backlog: number;
  /** How late (ms) at most the work begins on a job that is due in the step, or in the first one waited before. */
  readonly lateMs: number;
}

/**
 * Lets workers do the jobs in order of due time.
 * @param perSecond jobs that all workers together do in a second, more than 0
 * @param maxLateMs how late is too late; absent when that is not asked
 */
export function simulate(
  { due, stepMs, backlog, backlogLateMs = 0 }: Load,
  perSecond: number,
  maxLateMs?: number,
): Simulation {
  const capacity = (perSecond * stepMs) / 1000;
  const lateness = (jobs: number): number => (jobs * 1000) / perSecond;
  const steps: SimulatedStep[] = [];
  let waiting = backlog;
  let breachMs: number | undefined;
  for (const [i, jobs] of due.entries()) {
    const before = waiting;
    waiting = Math.max(0, before + jobs - capacity);
    const firstLateMs = i === 0 && backlog > 0 ? backlogLateMs : 0;
    const lateMs = Math.max(firstLateMs, lateness(Math.max(before, waiting)));
    if (maxLateMs !== undefined && breachMs === undefined && lateMs > maxLateMs) {
      const most = (maxLateMs * perSecond) / 1000;
      const untilMs =
        before > most || firstLateMs > maxLateMs ? 0 : ((most - before) * stepMs) / (jobs - capacity);
      breachMs = i * stepMs + untilMs;
    }
    steps.push({ due: jobs, done: before + jobs - waiting, backlog: waiting, lateMs });
  }
  return { steps, breachMs };
}

/**
 * The same jobs, each due later by a time between 0 and `spreadMs`, evenly; those that are then due after the last
 * step are left out.
 */
export function spreadOut(due: readonly number[], stepMs: number, spreadMs: number): number[] {
  if (spreadMs === 0) return [...due];
  // A job is due evenly within its step, and later evenly within the spread: the share that is due by a time `t` from
  // the beginning of its step is the integral of the sum of both.
  const square = (t: number): number => Math.max(0, t) ** 2 / 2;
  const shareBy = (t: number): number =>
    (square(t) - square(t - stepMs) - square(t - spreadMs) + square(t - stepMs - spreadMs)) /
    (stepMs * spreadMs);
  const reach = Math.ceil(spreadMs / stepMs) + 1;
  const shares = Array.from({ length: reach }, (_, k) => shareBy((k + 1) * stepMs) - shareBy(k * stepMs));
  return due.map((_, j) => shares.reduce((sum, share, k) => sum + (due[j - k] ?? 0) * share, 0));
}

/** What is known of the time to come. */
export interface Forecast {
  readonly now: Date;
  readonly stepMs: number;
  /** Jobs that are ready or due now. */
  readonly backlog: number;
  /** Topics that are paused now. Their jobs are counted as if they were not. */
  readonly paused: readonly Bytes[];
  /** Jobs due in each step from now on; `errors` says by how many each count may be off. */
  readonly due: readonly number[];
  readonly errors?: readonly number[] | undefined;
  /** The same if the due times were spread. */
  readonly spread?: readonly number[] | undefined;
  /** The forecast for both, when the workers' speed is given. */
  readonly before?: Simulation | undefined;
  readonly after?: Simulation | undefined;
}
