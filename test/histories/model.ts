import { DEFAULT_TTL_MS, type JobState } from '../../src/core/job.js';
import type { OnExisting, PushResult, RemoveResult, RequeueResult } from '../../src/core/results.js';
import type { Letter, ModelJob, ModelLease, Waiting } from './job.js';
import type { Line } from './line.js';
import type { Rules } from './rules.js';

/** While another job of its id is in line, a job is looked at so often (ms). */
const LOOK_AGAIN_MS = 1000;

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
  readonly leases: ModelLease[] = [];
  readonly waiting: Waiting[] = [];
  /** In the order of their death. */
  readonly letters: Letter[] = [];
  /** Until when a topic is paused; Infinity until it is resumed. */
  readonly pauses = new Map<string, number>();
  private pushes = 0;
  private reservations = 0;

  constructor(
    readonly line: Line,
    readonly rules: Rules,
  ) {}

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

  /** No time is later than the last that a store knows. */
  byLast(at: number): number {
    return Math.min(at, this.rules.lastMs);
  }

  /** A number for a job that another client pushes. */
  nextNumber(): number {
    return (this.pushes += 1);
  }

  /** Leases the first ready jobs of the topics that are not paused, those of the first topic first. */
  reserve(topics: readonly string[], limit: number, leaseMs: number, now: number): ModelLease[] {
    this.reclaim(now);
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
    return leases.map((lease) => this.end(lease).job);
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

  private end(lease: ModelLease): ModelLease {
    this.leases.splice(this.leases.indexOf(lease), 1);
    return lease;
  }

  /** The jobs are done and gone. */
  ack(names: readonly string[]): boolean[] {
    return this.held(names).map((lease) => lease !== undefined && this.end(lease) === lease);
  }

  /** As if they had never been reserved: at their old place, with what was left of their lifetime. */
  release(names: readonly string[], now: number): boolean[] {
    return this.settle(names, now, (lease) => {
      lease.job.attempts -= 1;
      this.comeBack([lease.job], lease.since, now);
    });
  }

  /** Failed: due anew, and the whole lifetime counts from there. */
  retry(names: readonly string[], delayMs: number, now: number): boolean[] {
    return this.settle(names, now, ({ job, since }) => {
      const dueAt = now + delayMs;
      job.expiresAt = this.byLast(dueAt + (job.ttlMs ?? Math.max(1, job.expiresAt - since)));
      this.line.setDue(job, dueAt);
      if (this.hasToWait(job, now)) this.wait(job, dueAt, now);
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
      for (const lease of held) if (lease && reservationOf(lease.name) === reservation) each(this.end(lease));
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
    for (const lease of this.leases.filter(({ job }) => job.id === id)) act('leased', () => this.end(lease));
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
    job.expiresAt = this.byLast(dueAt + job.ttlMs);
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
    const reclaimed = this.reclaim(now);
    const promoted = this.line.promote(now);
    this.line.clear(now);
    const old = this.letters.filter(({ deleteAt }) => deleteAt <= now);
    for (const letter of old) this.letters.splice(this.letters.indexOf(letter), 1);
    return { promoted, reclaimed, deleted: old.length };
  }

  /** Jobs whose lease has ended come back, and those that waited for another one of their id that is gone. */
  private reclaim(now: number): number {
    const turns = [...this.endedLeases(now), ...this.waitingTurns(now)];
    if (this.rules.reclaims === 'by time') turns.sort((a, b) => a.at - b.at);
    return turns.reduce((back, { act }) => back + act(), 0);
  }

  private endedLeases(now: number): Turn[] {
    const ended = this.leases.filter(({ end }) => end <= now).sort(byEnd);
    const records = new Map<string, ModelLease[]>();
    for (const lease of ended) {
      const record = recordOf(lease);
      records.set(record, [...(records.get(record) ?? []), lease]);
    }
    return [...records.values()].map((leases) => ({
      at: leases[0]?.end ?? 0,
      act: () => {
        const jobs = leases.map((lease) => this.end(lease).job);
        return this.comeBack(jobs, leases[0]?.since ?? now, now);
      },
    }));
  }

  private waitingTurns(now: number): Turn[] {
    const ripe = this.waiting.filter(({ lookAt }) => lookAt <= now);
    if (this.rules.waitingLooks === 'one a job') {
      ripe.sort((a, b) => a.lookAt - b.lookAt || a.job.number - b.job.number);
      return ripe.map((one) => ({ at: one.lookAt, act: () => this.lookAt([one], now) }));
    }
    const ids = [...new Set(ripe.map(({ job }) => job.id))].sort();
    return ids.map((id) => ({
      at: this.waitingFor(id)[0]?.lookAt ?? now,
      act: () => this.lookAt(this.waitingFor(id), now),
    }));
  }

  /** The first of these comes back when the id is free; the others wait on. */
  private lookAt(some: readonly Waiting[], now: number): number {
    const [first] = some;
    if (!first) return 0;
    for (const one of some) one.lookAt = now + LOOK_AGAIN_MS;
    if (this.hasToWait(first.job, now)) return 0;
    this.waiting.splice(this.waiting.indexOf(first), 1);
    return this.comeBack([first.job], first.since, now);
  }

  /**
   * Jobs go back to their places, or wait while another one of their id is in line. The lifetime stood still.
   * @returns how many are back
   */
  private comeBack(jobs: readonly ModelJob[], since: number, now: number): number {
    const free = jobs.filter((job) => !this.hasToWait(job, now));
    for (const job of jobs) {
      job.expiresAt = this.byLast(job.expiresAt + Math.max(0, now - since));
      if (!free.includes(job)) this.wait(job, Math.max(since, now), now);
    }
    const isDelayed = ({ dueAt }: ModelJob) => dueAt !== undefined && dueAt > now;
    for (const job of free) if (isDelayed(job)) this.line.add(job, job.dueAt ?? now, now);
    this.line.putBack(
      free.filter((job) => !isDelayed(job)),
      now,
    );
    return free.length;
  }

  private hasToWait({ id, topic }: ModelJob, now: number): boolean {
    return this.line.isTaken(id, now) || this.line.isBlocked(topic);
  }

  private wait(job: ModelJob, since: number, now: number): void {
    this.waiting.push({ job, since, lookAt: now + LOOK_AGAIN_MS });
    if (this.rules.waitingLooks === 'one an id')
      for (const one of this.waitingFor(job.id)) one.lookAt = now + LOOK_AGAIN_MS;
  }

  waitingFor(id: string): Waiting[] {
    return this.waiting.filter(({ job }) => job.id === id);
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

/** Is this what a store may answer to it? Of several jobs it tells of the one in line, or of any. */
export function allowsRemoved(
  { removed, there }: ModelRemoved,
  { removed: did, state }: RemoveResult,
): boolean {
  if (did !== removed.length > 0) return false;
  const told = did ? removed : there;
  return told.length === 0 ? state === undefined : state !== undefined && told.includes(state);
}

interface Turn {
  readonly at: number;
  readonly act: () => number;
}

const dateOf = (at: number | undefined): Date | undefined => (at === undefined ? undefined : new Date(at));
const reservationOf = (name: string): string => name.split('.')[0] ?? '';
const recordOf = ({ reservation, isAlone, number }: ModelLease): string =>
  isAlone ? `${reservation}.${number}` : `${reservation}`;
const byEnd = (a: ModelLease, b: ModelLease): number =>
  a.end - b.end ||
  a.reservation - b.reservation ||
  Number(a.isAlone) - Number(b.isAlone) ||
  a.number - b.number;
