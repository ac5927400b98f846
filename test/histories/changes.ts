import { DEFAULT_TTL_MS } from '../../src/core/job.js';
import { isMeant, type Meant } from './beliefs.js';
import type { ModelJob } from './job.js';
import type { Line } from './line.js';

export interface ModelEdit {
  readonly meant: Meant;
  readonly body: string | undefined;
  readonly ttlMs: number | undefined;
}

export interface Redated extends Meant {
  /** In ms: a time, or a distance from the due time before. A time in the past means now. */
  readonly due: { readonly at: number } | { readonly byMs: number };
}

/** Promote, reschedule and edit. */
export class Changes {
  constructor(
    private readonly line: Line,
    private readonly byLast: (at: number) => number,
    private readonly nextNumber: () => number,
  ) {}

  /**
   * Makes delayed jobs due now, and ready before all others of their topics, in their old order among themselves.
   * @returns for each, whether it was promoted
   */
  promote(jobs: readonly Meant[], now: number): boolean[] {
    const chosen = new Set<ModelJob>();
    const done = jobs.map((meant) => {
      const job = this.delayed(meant, now);
      if (!job || chosen.has(job) || this.line.isBlocked(job.topic)) return false;
      chosen.add(job);
      return true;
    });
    for (const topic of new Set([...chosen].map((job) => job.topic))) {
      const inOrder = this.line.jobs(topic, now).map(({ job }) => job);
      const first = inOrder.filter((job) => chosen.has(job));
      for (const job of first) this.countFrom(job, now);
      this.line.putFirst(first, now);
    }
    return done;
  }

  /** Gives delayed jobs another due time, with the place of a job that is pushed now. @returns when each is due now */
  reschedule(jobs: readonly Redated[], now: number): (number | undefined)[] {
    return partsOfDifferentIds(jobs).flatMap((part) => this.rescheduleTogether(part, now));
  }

  /** All jobs leave their places before the first one gets a new place. */
  private rescheduleTogether(jobs: readonly Redated[], now: number): (number | undefined)[] {
    const found = jobs.map((meant) => this.delayed(meant, now));
    this.line.leave(found.flatMap((job) => job?.id ?? []));
    return jobs.map(({ due }, i) => {
      const job = found[i];
      if (!job) return undefined;
      const wanted = 'at' in due ? due.at : (job.dueAt ?? now) + due.byMs;
      const dueAt = this.byLast(Math.max(now, wanted));
      this.countFrom(job, dueAt);
      this.line.redate(job, dueAt, this.nextNumber());
      return dueAt;
    });
  }

  /** Gives a job that has not expired another body or ready lifetime, in its place. */
  edit({ meant, body, ttlMs }: ModelEdit, now: number): 'edited' | 'over' | 'left alone' {
    const job = this.meant(meant);
    const state = this.line.state(meant.id, now);
    if (!job || state === undefined || state === 'expired') return 'left alone';
    if (ttlMs !== undefined) {
      // The new lifetime also leaves out the time during which the old one stood still.
      const { ttlMs: old = Infinity } = job;
      const begin = old === Infinity ? (job.dueAt ?? now) : Math.max(job.expiresAt - old, job.dueAt ?? 0);
      if (begin + ttlMs <= now) return 'over';
      job.expiresAt = this.byLast(begin + ttlMs);
      job.ttlMs = ttlMs;
    }
    if (body !== undefined) job.body = body;
    return 'edited';
  }

  private delayed(meant: Meant, now: number): ModelJob | undefined {
    return this.line.state(meant.id, now) === 'delayed' ? this.meant(meant) : undefined;
  }

  private meant(meant: Meant): ModelJob | undefined {
    const job = this.line.get(meant.id);
    return job && isMeant(meant, job, true) ? job : undefined;
  }

  /**
   * The whole ready lifetime counts from the due time: the default one where the job would expire before its due time. A
   * job to which another client gave an expiry after the last possible time keeps it.
   */
  private countFrom(job: ModelJob, dueAt: number): void {
    const lifetime = job.ttlMs ?? job.expiresAt - (job.dueAt ?? dueAt);
    const isEndless = job.ttlMs === undefined && job.expiresAt >= this.byLast(Number.MAX_VALUE);
    const counted = lifetime > 0 ? lifetime : DEFAULT_TTL_MS;
    if (!isEndless) job.expiresAt = this.byLast(dueAt + counted);
    job.dueAt = dueAt;
  }
}

/** Splits a call that has an id twice into parts in which each id is once. */
function partsOfDifferentIds<M extends Meant>(jobs: readonly M[]): M[][] {
  const parts: M[][] = [];
  for (const job of jobs) {
    const part = parts.at(-1);
    if (part && !part.some(({ id }) => id === job.id)) part.push(job);
    else parts.push([job]);
  }
  return parts;
}
