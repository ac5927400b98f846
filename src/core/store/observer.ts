import type { JobRecord } from '../job.js';
import type { Daemon, DueCounts, FlawedJobs, JobPage, Problem, ScanPart, Stats } from '../views.js';
import type { Selection, TopicSelection } from '../selection.js';
import type { CallLimits } from './limits.js';

/** Views. They change nothing. */
export interface Observer {
  /**
   * Counts jobs. Exact counts go through everything in bounded steps while others work, so they are no snapshot.
   * Without `exact` a store with many jobs answers what it knows at once, within some tenths of a second, and
   * estimates the rest.
   */
  stats(params: StatsParams): Promise<Stats>;

  /**
   * A page of jobs, topic by topic: ready (expired ones where they stand), leased, due, delayed, dead;
   * each in order of delivery.
   */
  list(params: ListParams): Promise<JobPage>;

  /**
   * All selected jobs, part by part, in the order in which jobs move on: delayed ones, then ready, leased and dead
   * ones, each in order of delivery. It is no snapshot: a job that stays where it is comes once, one that moves on
   * meanwhile at least once, one that moves back perhaps not at all. Acting on the jobs of a part before the next is
   * asked for hides none. A key of a wrong type is passed over and reported as a problem.
   */
  scan(params: ScanParams): AsyncIterable<ScanPart>;

  /**
   * Every job of an id: first the one in line, then leased, waiting and dead ones. `[]` when there is none.
   */
  find(params: { readonly id: Buffer }): Promise<JobRecord[]>;

  /** How many delayed jobs are due in each of the next steps. Jobs that wait for another one of their id are left out. */
  dueCounts(params: DueCountsParams): Promise<DueCounts>;

  /** Up to `limit` of the jobs that `stats` counts among its problems. */
  findFlawed(params: { readonly limit: number }): Promise<FlawedJobs>;

  /**
   * What is wrong with the store as a whole; `[]` when nothing is. It does not look at jobs, which `stats` does;
   * without `exact` it does not look at ready lists either.
   */
  health(params: HealthParams): Promise<Problem[]>;

  /**
   * The daemons that announced themselves lately, in order of name; `[]` when there are none, or none is needed.
   */
  daemons(): Promise<Daemon[]>;

  /**
   * Addresses of clients that poll the store as a daemon of the original kind does, which does not announce itself;
   * `[]` when there is none. A look that finds one for the first time takes a second, because a single poll proves
   * nothing. Undefined when it cannot be known: the user may not list clients, or there are too many.
   */
  originalDaemons(params: CallLimits): Promise<string[] | undefined>;

  /** The store's clock. */
  now(): Promise<Date>;
}

export interface StatsParams {
  readonly exact: boolean;
  /** Delayed jobs that are due later than this are also counted separately. */
  readonly beyondMs?: number | undefined;
  /** Is told now and then how many jobs were counted, and of how many, as far as that is known. */
  readonly onProgress?: ((counted: number, total: number) => void) | undefined;
}

export interface DueCountsParams {
  /** Of all topics when absent. */
  readonly topics?: readonly Buffer[] | undefined;
  readonly stepMs: number;
  readonly steps: number;
}

export interface HealthParams {
  readonly exact: boolean;
}

export interface ScanParams {
  readonly selection: Selection;
  /** Jobs of the pool come in descending order of due time. */
  readonly latestFirst: boolean;
  /** See `ScanQuery`. */
  readonly withoutContent: boolean;
}

export interface ListParams {
  readonly selection: TopicSelection;
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string | undefined;
}
