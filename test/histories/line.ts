import type { JobState } from '../../src/core/job.js';
import { isBefore, type ModelJob, type Place } from './job.js';

/**
 * The jobs in line: delayed, due, ready and expired ones, at most one per id. Each store has its own implementation of
 * how they are kept.
 */
export interface Line {
  /** The job of an id that has not expired. */
  living(id: string, now: number): ModelJob | undefined;
  /** Whether a job that comes back with this id must wait. */
  isTaken(id: string, now: number): boolean;
  /** Whether no job of a topic can become ready, because its key has a wrong type. */
  isBlocked(topic: string): boolean;
  /** Gives a job a due time, and the place in line that goes with it. */
  setDue(job: ModelJob, dueAt: number): void;
  /** Puts a job in line by its due time, in place of anything left under its id. */
  add(job: ModelJob, dueAt: number, now: number): void;
  /** Stores with a job in line what its due time and expiry do not tell. */
  remember(job: ModelJob): void;
  /** Puts jobs in line where they stood before. */
  bringBack(jobs: readonly ModelJob[], now: number): void;
  /** Puts a job that is not due yet where it stood before. */
  giveBack(job: ModelJob): void;
  /** Puts delayed jobs of one topic before all others that are in line or come back. */
  putFirst(jobs: readonly ModelJob[], now: number): void;
  /**
   * Moves a delayed job to its new due time, behind the others that are due then.
   * @param number the number of a job that is pushed now
   */
  redate(job: ModelJob, dueAt: number, number: number): void;
  /** Jobs of these ids leave their places in the pool before any of them gets a new one. */
  leave(ids: readonly string[]): void;
  /**
   * Runs a call that puts all its jobs in line at its end: each gets a place behind those that were there when the call
   * began, including the old places of its own jobs, and behind those that the call has given.
   */
  together<T>(call: () => T): T;
  /** Takes the first ready jobs of a topic. */
  take(topic: string, limit: number, now: number): ModelJob[];
  /** Takes the job of an id out of line, in any state. */
  drop(id: string): void;
  /** Makes due jobs ready, if the store needs that. @returns how many */
  promote(now: number): number;
  /** Clears away what has expired. */
  clear(now: number): void;
  /** The jobs of a topic in order of delivery: ready and expired ones, then due, then delayed ones. */
  jobs(topic: string, now: number): { readonly job: ModelJob; readonly state: JobState }[];
  state(id: string, now: number): JobState | undefined;
  /** The job of an id, expired or not. */
  get(id: string): ModelJob | undefined;
  /** The times at which something changes by itself. */
  times(): number[];
}

/** How long (ms) an expired job is kept at least, where its body is kept at all. */
export const KEPT_MS = 60_000;

/** The line of SQLite: a job is ready at its due time, without a step. */
export class PlainLine implements Line {
  private readonly byId = new Map<string, ModelJob>();
  private readonly first = new FirstPlaces();

  get(id: string): ModelJob | undefined {
    return this.byId.get(id);
  }

  living(id: string, now: number): ModelJob | undefined {
    const job = this.byId.get(id);
    return job && job.expiresAt > now ? job : undefined;
  }

  isBlocked(): boolean {
    return false;
  }

  isTaken(id: string, now: number): boolean {
    return this.living(id, now) !== undefined;
  }

  setDue(job: ModelJob, dueAt: number): void {
    job.dueAt = dueAt;
    // Jobs due in one millisecond are in the order of pushing.
    job.place = { at: dueAt, turn: job.number };
  }

  add(job: ModelJob, dueAt: number): void {
    this.setDue(job, dueAt);
    this.byId.set(job.id, job);
  }

  /** Does nothing: all fields of a job are always stored. */
  remember(): void {
    return;
  }

  bringBack(jobs: readonly ModelJob[]): void {
    for (const job of jobs) this.byId.set(job.id, job);
  }

  giveBack(job: ModelJob): void {
    this.byId.set(job.id, job);
  }

  putFirst(jobs: readonly ModelJob[]): void {
    this.first.give(jobs);
  }

  redate(job: ModelJob, dueAt: number, number: number): void {
    const isBehind = (one: ModelJob) =>
      one.topic === job.topic && one.place?.at === dueAt && one.number > job.number;
    if ([...this.byId.values()].some(isBehind)) job.number = number;
    this.setDue(job, dueAt);
  }

  /** Does nothing: places do not depend on other jobs. */
  leave(): void {
    return;
  }

  together<T>(call: () => T): T {
    return call();
  }

  take(topic: string, limit: number, now: number): ModelJob[] {
    const ready = this.jobs(topic, now).filter(({ state }) => state === 'ready');
    const taken = ready.slice(0, limit).map(({ job }) => job);
    for (const { id } of taken) this.byId.delete(id);
    return taken;
  }

  drop(id: string): void {
    this.byId.delete(id);
  }

  promote(): number {
    return 0;
  }

  clear(now: number): void {
    for (const { id, expiresAt } of this.byId.values()) if (expiresAt + KEPT_MS <= now) this.byId.delete(id);
  }

  state(id: string, now: number): JobState | undefined {
    const job = this.byId.get(id);
    if (!job) return undefined;
    if (placeOf(job).at > now) return 'delayed';
    return job.expiresAt > now ? 'ready' : 'expired';
  }

  jobs(topic: string, now: number): { job: ModelJob; state: JobState }[] {
    const jobs = [...this.byId.values()].filter((job) => job.topic === topic).sort(inOrder);
    return jobs.map((job) => ({ job, state: this.state(job.id, now) ?? 'ready' }));
  }

  times(): number[] {
    return [...this.byId.values()].flatMap((job) => [placeOf(job).at, job.expiresAt]);
  }
}

/** Gives places before all others, each before the last one given. They are negative, and due times are after 1970. */
export class FirstPlaces {
  private given = 0;

  give(jobs: readonly ModelJob[]): void {
    for (const job of [...jobs].reverse()) job.place = { at: -(this.given += 1), turn: 0 };
  }
}

function placeOf(job: ModelJob): Place {
  if (job.place) return job.place;
  throw new Error(`the job ${job.id} has no place in line`);
}

const inOrder = (a: ModelJob, b: ModelJob): number => (isBefore(placeOf(a), placeOf(b)) ? -1 : 1);
