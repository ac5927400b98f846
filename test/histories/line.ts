import type { JobState } from '../../src/core/job.js';
import { isBefore, type ModelJob, type Place } from './job.js';

/**
 * The jobs in line: delayed, due, ready and expired ones, one of an id. All that a store keeps in another way
 * than the plain line is behind this.
 */
export interface Line {
  /** The job that lives under an id: pushed, and not expired yet. */
  living(id: string, now: number): ModelJob | undefined;
  /** Has a job that comes back with this id to wait? */
  isTaken(id: string, now: number): boolean;
  /** Can no job of a topic become ready, for something is in the way? */
  isBlocked(topic: string): boolean;
  /** Gives a job a due time, and the place in line that goes with it. */
  setDue(job: ModelJob, dueAt: number): void;
  /** Puts a job in line by its due time, instead of whatever is left under its id. */
  add(job: ModelJob, dueAt: number, now: number): void;
  /** Keeps with a job in line what its due time and expiry do not say of it. */
  remember(job: ModelJob): void;
  /** Puts jobs in line where they stood before. */
  bringBack(jobs: readonly ModelJob[], now: number): void;
  /** Puts a job that is not due yet where it stood before. */
  giveBack(job: ModelJob): void;
  /** Puts delayed jobs of one topic before all others that are in line or come back. */
  putFirst(jobs: readonly ModelJob[], now: number): void;
  /**
   * Moves a delayed job to its new due time, behind the others that are due then.
   * @param number of a job that would be pushed now
   */
  redate(job: ModelJob, dueAt: number, number: number): void;
  /** Jobs of these ids leave their places in the pool before any of them gets a new one. */
  leave(ids: readonly string[]): void;
  /**
   * A call that puts all its jobs in line in the end: each gets a place behind those that were there when the call
   * began, also those of its own jobs, and behind those that the call has given.
   */
  together<T>(call: () => T): T;
  /** Takes the first ready jobs of a topic. */
  take(topic: string, limit: number, now: number): ModelJob[];
  /** Takes the job of an id out of line, in whatever state. */
  drop(id: string): void;
  /** Makes due jobs ready, where that takes a step. @returns how many */
  promote(now: number): number;
  /** Clears away what has expired. */
  clear(now: number): void;
  /** In order of delivery: ready and expired jobs where they stand, then due, then delayed ones. */
  jobs(topic: string, now: number): { readonly job: ModelJob; readonly state: JobState }[];
  state(id: string, now: number): JobState | undefined;
  /** The job of an id, expired or not. */
  get(id: string): ModelJob | undefined;
  /** Times at which something becomes different by itself. */
  times(): number[];
}

/** The line as semantics.md has it: a job is ready when its place has come, and nothing has to be done for it. */
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
    // Of jobs due in one millisecond the older one comes first.
    job.place = { at: dueAt, turn: job.number };
  }

  add(job: ModelJob, dueAt: number): void {
    this.setDue(job, dueAt);
    this.byId.set(job.id, job);
  }

  /** All of a job is always kept with it. */
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

  /** Places are of the jobs' numbers here, and depend on no others. */
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
    for (const { id, expiresAt } of this.byId.values()) if (expiresAt <= now) this.byId.delete(id);
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

/** Places before all others, the last one given first: due times are after 1970. */
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
