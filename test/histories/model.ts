import { DEFAULT_TTL_MS, type JobState } from '../../src/core/job.js';
import type { OnExisting, PushResult, RequeueResult } from '../../src/core/results.js';
import { Comeback, LOOK_AGAIN_MS } from './comeback.js';
import type { Letter, ModelJob, ModelLease, Waiting } from './job.js';
import type { Line } from './line.js';
import type { Rules } from './rules.js';

export interface ModelPush {
  readonly id: string;
  readonly topic: string;
  readonly body: string;
  /** From now, or at a time of the store's clock. */
  readonly due: { readonly delayMs: number } | { readonly at: number };
  readonly ttlMs: number;
}

/**
 * The queue: what semantics of a job on its way the stores have to keep, without a store. It has no clock: each
 * operation is told the time (ms). Numbers below a job are times unless they say otherwise.
 */
export class Model {
  /** In the order of their death. */
  readonly letters: Letter[] = [];
  /** Until when a topic is paused; Infinity until it is resumed. */
  readonly pauses = new Map<string, number>();
  private pushes = 0;
  private reservations = 0;

  private readonly back: Comeback;

  constructor(
    readonly line: Line,
    readonly rules: Rules,
  ) {
    this.back = new Comeback(line, rules);
  }

  get leases(): ModelLease[] {
    return this.back.leases;
  }

  get waiting(): Waiting[] {
    return this.back.waiting;
  }

  waitingFor(id: string): Waiting[] {
    return this.back.waitingFor(id);
  }

  byLast(at: number): number {
    return this.back.byLast(at);
  }

  /** Adds jobs, each by itself. An id that lives is kept, refused or replaced; any other is free. */
  push(jobs: readonly ModelPush[], onExisting: OnExisting, now: number): PushResult[] {
    return jobs.map((job) => this.pushOne(job, onExisting, now));
  }

  private pushOne(
    { id, topic, body, due, ttlMs }: ModelPush,
    onExisting: OnExisting,
    now: number,
  ): PushResult {
    const living = this.line.living(id, now);
    if (living && onExisting !== 'replace') {
      const isSame = living.topic === topic && living.body === body;
      const outcome = isSame ? 'repeated' : onExisting === 'keep' ? 'kept' : 'conflict';
      return { outcome, dueAt: dateOf(living.dueAt) };
    }
    const dueAt = 'delayMs' in due ? now + due.delayMs : Math.max(now, due.at);
    this.pushes += 1;
    const base = { id, topic, body, number: this.pushes, attempts: 0, place: undefined };
    this.line.add({ ...base, dueAt, ttlMs, expiresAt: dueAt + ttlMs }, dueAt, now);
    return { outcome: living ? 'replaced' : 'pushed', dueAt: dateOf(dueAt) };
  }

  /** A number for a job that another client pushes. */
  nextNumber(): number {
    return (this.pushes += 1);
  }

  /** Leases the first ready jobs of the topics that are not paused, those of the first topic first. */
  reserve(topics: readonly string[], limit: number, leaseMs: number, now: number): ModelLease[] {
    this.back.reclaim(now);
    this.line.promote(now);
    const jobs: ModelJob[] = [];
    for (const topic of topics) {
      if (!this.isPaused(topic, now)) jobs.push(...this.line.take(topic, limit - jobs.length, now));
    }
    this.reservations += 1;
    const end = now + leaseMs;
    const shared = { name: '', reservation: this.reservations, count: jobs.length, isAlone: false };
    const leases = jobs.map((job, i): ModelLease => {
      job.attempts += 1;
      // The lifetime of a job that another client pushed is known where its due time is.
      if (job.dueAt !== undefined) job.ttlMs ??= job.expiresAt - job.dueAt;
      return { job, ...shared, number: i + 1, firstEnd: end, since: now, end };
    });
    this.leases.push(...leases);
    return leases;
  }

  /** Takes jobs as a reserve does, for good. */
  pop(topics: readonly string[], limit: number, now: number): ModelJob[] {
    const leases = this.reserve(topics, limit, LOOK_AGAIN_MS, now);
    return leases.map((lease) => this.back.end(lease).job);
  }

  isPaused(topic: string, now: number): boolean {
    return (this.pauses.get(topic) ?? -Infinity) > now;
  }

  /** The leases of these names that are held: also those that have ended, until somebody has noticed. */
  private held(names: readonly string[]): (ModelLease | undefined)[] {
    const seen = new Set<string>();
    return names.map((name) => {
      if (seen.has(name)) return undefined;
      seen.add(name);
      return this.leases.find((lease) => lease.name === name);
    });
  }

  /** The jobs are done and gone. */
  ack(names: readonly string[]): boolean[] {
    return this.held(names).map((lease) => lease !== undefined && this.back.end(lease) === lease);
  }

  /** As if they had never been reserved: at their old place, with what was left of their lifetime. */
  release(names: readonly string[], now: number): boolean[] {
    return this.settle(names, now, (lease) => {
      lease.job.attempts -= 1;
      this.back.comeBack([lease.job], lease.since, now);
    });
  }

  /** Failed: due anew, and the whole lifetime counts from there. */
  retry(names: readonly string[], delayMs: number, now: number): boolean[] {
    return this.settle(names, now, ({ job, since }) => {
      const dueAt = now + delayMs;
      job.expiresAt = this.back.byLast(dueAt + (job.ttlMs ?? Math.max(1, job.expiresAt - since)));
      this.line.setDue(job, dueAt);
      if (this.back.hasToWait(job, now)) this.back.wait(job, dueAt, now);
      else this.line.add(job, dueAt, now);
    });
  }

  /** Failed for good. */
  bury(
    names: readonly string[],
    { deadTtlMs, reason }: { readonly deadTtlMs: number; readonly reason: string | undefined },
    now: number,
  ): boolean[] {
    const deleteAt = deadTtlMs === 0 ? Infinity : now + deadTtlMs;
    return this.settle(names, now, ({ job }) => {
      this.letters.push({ job, failedAt: now, deleteAt, reason });
    });
  }

  /** The leases of a reservation end together, in the order in which they are named. */
  private settle(names: readonly string[], _now: number, each: (lease: ModelLease) => void): boolean[] {
    const held = this.held(names);
    const order = [...new Set(names.map(reservationOf))];
    for (const reservation of order) {
      for (const lease of held)
        if (lease && reservationOf(lease.name) === reservation) each(this.back.end(lease));
    }
    return held.map((lease) => lease !== undefined);
  }

  extend(names: readonly string[], leaseMs: number, now: number): (number | undefined)[] {
    const end = now + leaseMs;
    const held = names.map((name) => this.leases.find((lease) => lease.name === name));
    for (const lease of held) {
      if (!lease) continue;
      const together = this.leases.filter(
        ({ reservation, isAlone }) => reservation === lease.reservation && !isAlone,
      );
      // Those that are not extended with the others are on their own from then on.
      if (!together.every((one) => held.includes(one))) lease.isAlone = true;
      lease.end = end;
    }
    return held.map((lease) => lease && end);
  }

  /** Removes every job of an id that is in one of the states. */
  remove(id: string, states: readonly JobState[], now: number): ModelRemoved {
    const there: JobState[] = [];
    const removed: JobState[] = [];
    const act = (state: JobState | undefined, remove: () => unknown) => {
      if (state === undefined) return;
      there.push(state);
      if (!states.includes(state)) return;
      removed.push(state);
      remove();
    };
    act(this.line.state(id, now), () => this.line.drop(id));
    for (const one of this.waitingFor(id))
      act('delayed', () => this.waiting.splice(this.waiting.indexOf(one), 1));
    for (const one of this.lettersOf(id))
      act('dead', () => this.letters.splice(this.letters.indexOf(one), 1));
    for (const lease of this.leases.filter(({ job }) => job.id === id))
      act('leased', () => this.back.end(lease));
    return { removed, there };
  }

  /** Makes the latest dead letter of an id a job again. */
  requeue(id: string, delayMs: number, now: number): RequeueResult {
    const letter = this.lettersOf(id)[0];
    if (!letter) return 'none';
    if (this.line.isTaken(id, now)) return 'duplicate_id';
    this.letters.splice(this.letters.indexOf(letter), 1);
    const { job } = letter;
    const dueAt = now + delayMs;
    job.attempts = 0;
    job.ttlMs ??= DEFAULT_TTL_MS;
    job.expiresAt = this.back.byLast(dueAt + job.ttlMs);
    this.line.add(job, dueAt, now);
    return 'requeued';
  }

  pause(topic: string, forMs: number | undefined, now: number): void {
    this.pauses.set(topic, forMs === undefined ? Infinity : now + forMs);
  }

  resume(topic: string): void {
    this.pauses.delete(topic);
  }

  /** All that is to be done by now: leases that have ended, due and expired jobs, dead letters past their time. */
  maintain(now: number): { promoted: number; reclaimed: number; deleted: number } {
    const reclaimed = this.back.reclaim(now);
    const promoted = this.line.promote(now);
    this.line.clear(now);
    const old = this.letters.filter(({ deleteAt }) => deleteAt <= now);
    for (const letter of old) this.letters.splice(this.letters.indexOf(letter), 1);
    return { promoted, reclaimed, deleted: old.length };
  }

  /** The latest first. */
  lettersOf(id: string): Letter[] {
    return this.letters.filter(({ job }) => job.id === id).reverse();
  }

  /** Times at which something becomes different, or can. */
  times(): number[] {
    return [
      ...this.line.times(),
      ...this.leases.map(({ end }) => end),
      ...this.waiting.map(({ lookAt }) => lookAt),
      ...this.letters.map(({ deleteAt }) => deleteAt),
      ...this.pauses.values(),
    ].filter((at) => at < Infinity);
  }
}

/** What a remove did, and what there was before; of several jobs each once. */
export interface ModelRemoved {
  readonly removed: readonly JobState[];
  readonly there: readonly JobState[];
}

const dateOf = (at: number | undefined): Date | undefined => (at === undefined ? undefined : new Date(at));
const reservationOf = (name: string): string => name.split('.')[0] ?? '';
