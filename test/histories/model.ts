import { DEFAULT_TTL_MS, type JobState } from '../../src/core/job.js';
import type { OnExisting, PushResult, RequeueResult } from '../../src/core/results.js';
import { isMeant, type Meant } from './beliefs.js';
import { Changes } from './changes.js';
import { Comeback, LOOK_AGAIN_MS, type Reclaimed } from './comeback.js';
import { Holds } from './holds.js';
import { Imports } from './imports.js';
import {
  keyOf,
  type Letter,
  type ModelJob,
  type ModelLease,
  type Policy,
  type Seen,
  type Waiting,
} from './job.js';
import type { Line } from './line.js';
import { Locks } from './locks.js';
import { DEFAULT_POLICY, endAttempt, hasRetryLeft, pausesAfter } from './retries.js';
import type { Rules } from './rules.js';

export interface ModelPush {
  readonly id: string;
  readonly topic: string;
  readonly body: string;
  /** A delay from now, or a time. */
  readonly due: { readonly delayMs: number } | { readonly at: number };
  readonly ttlMs: number;
  readonly own: ModelJob['own'];
}

export interface ModelReserve {
  readonly topics: readonly string[];
  readonly limit: number;
  readonly leaseMs: number;
  readonly policy?: Policy | undefined;
  readonly holder?: string | undefined;
}

/** How jobs failed. */
export interface ModelFailure {
  /** Whether it makes a dead letter, whatever retries are left. */
  readonly dead?: boolean | undefined;
  /** Replaces the backoff. */
  readonly delayMs?: number | undefined;
  /** Replaces that of the policy. */
  readonly deadTtlMs?: number | undefined;
  readonly reason?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly signalName?: string | undefined;
}

/** Returns the pause (ms) that the store chose at random from the allowed ones for the job of a lease. */
export type ChosenPause = (lease: ModelLease, allowed: ReturnType<typeof pausesAfter>) => number;

/**
 * A model of the queue without a store. It has no clock: each operation is given the time (ms). Numbers of jobs are
 * times unless they say otherwise.
 */
export class Model {
  readonly locks: Locks;
  readonly changes: Changes;
  readonly imports: Imports;
  readonly holds: Holds;
  /** The end of the pause of each paused topic; Infinity until it is resumed. */
  readonly pauses = new Map<string, number>();
  private pushes = 0;
  private reservations = 0;

  private readonly back: Comeback;

  constructor(
    readonly line: Line,
    readonly rules: Rules,
  ) {
    this.back = new Comeback(line, rules);
    this.locks = new Locks(rules.locksHaveLastMs);
    this.changes = new Changes(
      line,
      (at) => this.byLast(at),
      () => this.nextNumber(),
    );
    this.holds = new Holds(line, this.back, rules, () => (this.reservations += 1));
    this.imports = new Imports(line, this.back, rules, () => this.nextNumber());
  }

  get letters(): Letter[] {
    return this.back.letters;
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

  /** Pushes jobs one by one. An existing job of the id is kept, refused or replaced. */
  push(jobs: readonly ModelPush[], onExisting: OnExisting, now: number): PushResult[] {
    return this.line.together(() => jobs.map((job) => this.pushOne(job, onExisting, now)));
  }

  private pushOne(
    { id, topic, body, due, ttlMs, own }: ModelPush,
    onExisting: OnExisting,
    now: number,
  ): PushResult {
    const living = this.line.living(id, now);
    if (living && onExisting !== 'replace') {
      const isSame = living.topic === topic && living.body === body;
      const outcome = isSame ? 'repeated' : onExisting === 'keep' ? 'kept' : 'conflict';
      return { outcome, dueAt: dateOf(living.dueAt) };
    }
    if (onExisting === 'keep' && this.isAway(id)) return { outcome: 'kept', dueAt: undefined };
    const dueAt = 'delayMs' in due ? now + due.delayMs : Math.max(now, due.at);
    this.pushes += 1;
    const base = { id, topic, body, number: this.pushes, place: undefined, ...this.untried(own) };
    this.line.add({ ...base, dueAt, ttlMs, expiresAt: dueAt + ttlMs }, dueAt, now);
    return { outcome: living ? 'replaced' : 'pushed', dueAt: dateOf(dueAt) };
  }

  /** Is a job of an id leased, or does one wait for another job of the id? */
  private isAway(id: string): boolean {
    return this.leases.some(({ job }) => job.id === id) || this.waitingFor(id).length > 0;
  }

  /** The fields of a new job that attempts change later. */
  untried(own: ModelJob['own']): Pick<ModelJob, 'attempts' | 'own' | 'key' | 'history'> {
    return { attempts: 0, own, key: undefined, history: [] };
  }

  /** A number for a job that another client pushes. */
  nextNumber(): number {
    return (this.pushes += 1);
  }

  /** Leases the first ready jobs of topics that are not paused, in order of the topics. */
  reserve(
    { topics, limit, leaseMs, policy, holder }: ModelReserve,
    now: number,
  ): { leases: ModelLease[]; buried: Reclaimed['buried'] } {
    const { buried } = this.back.reclaim(now);
    this.line.promote(now);
    const jobs: ModelJob[] = [];
    for (const topic of topics) {
      if (!this.isPaused(topic, now)) jobs.push(...this.line.take(topic, limit - jobs.length, now));
    }
    this.reservations += 1;
    const end = now + leaseMs;
    const shared = {
      name: '',
      reservation: this.reservations,
      count: jobs.length,
      isAlone: false,
      isHold: false,
      policy,
      holder,
    };
    const leases = jobs.map((job, i): ModelLease => {
      job.attempts += 1;
      // The lifetime of a job of another client is known if its due time is.
      if (job.dueAt !== undefined) job.ttlMs ??= job.expiresAt - job.dueAt;
      return { job, ...shared, number: i + 1, firstEnd: end, since: now, end };
    });
    this.leases.push(...leases);
    return { leases, buried };
  }

  /** Reserves jobs and acks them. */
  pop(topics: readonly string[], limit: number, now: number): ModelJob[] {
    const { leases } = this.reserve({ topics, limit, leaseMs: LOOK_AGAIN_MS }, now);
    return leases.map((lease) => this.back.end(lease).job);
  }

  isPaused(topic: string, now: number): boolean {
    return (this.pauses.get(topic) ?? -Infinity) > now;
  }

  /** The held leases of these names, including ended ones that were not reclaimed yet. */
  private held(names: readonly string[]): (ModelLease | undefined)[] {
    return this.firstOfEach(names).map((name) => this.leases.find((lease) => lease.name === name));
  }

  /** Keeps the first of equal names: a lease that is given twice ends once. */
  private firstOfEach(names: readonly string[]): (string | undefined)[] {
    return names.map((name, i) => (names.indexOf(name) === i ? name : undefined));
  }

  /** Sets the lease string that the store gave; the first one of a consumer is the key of the job for good. */
  name(lease: ModelLease, name: string): void {
    lease.name = name;
    if (!lease.isHold) lease.job.key ??= keyOf(name);
  }

  /** Deletes the jobs. */
  ack(names: readonly string[]): boolean[] {
    return this.held(names).map((lease) => lease !== undefined && this.back.end(lease) === lease);
  }

  /** Puts jobs back as if they had never been reserved: at their old place, with the rest of their lifetime. */
  release(names: readonly string[], now: number): boolean[] {
    const held = this.held(names);
    for (const reservation of new Set(names.map(reservationOf))) {
      const ended = held.flatMap((lease) =>
        lease && reservationOf(lease.name) === reservation ? [lease] : [],
      );
      ended.sort((a, b) => a.number - b.number);
      this.back.takeBack(ended, now);
    }
    return held.map((lease) => lease !== undefined);
  }

  /** Retries jobs after a pause, or makes dead letters if no retry is left. @returns the outcome of each job */
  nack(
    names: readonly string[],
    failure: ModelFailure,
    now: number,
    chosen: ChosenPause,
  ): (Nacked | undefined)[] {
    const done = new Map<string, Nacked>();
    this.settle(names, (lease) => {
      const { job, policy } = lease;
      // A failed job has been tried, so it has a key.
      job.key ??= keyOf(lease.name);
      const { exitCode, signalName: signal } = failure;
      const isDead = failure.dead === true || !hasRetryLeft(job, policy);
      const outcome = isDead ? 'dead' : 'retried';
      endAttempt(lease, { endedAt: now, outcome, exitCode, signal, reason: failure.reason });
      if (isDead) {
        const { deadTtlMs = (policy ?? DEFAULT_POLICY).deadTtlMs, reason } = failure;
        this.back.bury(job, { deadTtlMs, reason }, now);
        done.set(lease.name, { outcome: 'dead' });
      } else {
        const pause = failure.delayMs ?? chosen(lease, pausesAfter(job, policy));
        const dueAt = this.back.byLast(now + pause);
        this.retry(lease, dueAt, now);
        done.set(lease.name, { outcome: 'retried', dueAt });
      }
    });
    return this.firstOfEach(names).map((name) => (name === undefined ? undefined : done.get(name)));
  }

  /** Makes a job due again; its whole lifetime counts from then. */
  private retry({ job, since }: ModelLease, dueAt: number, now: number): void {
    job.expiresAt = this.back.byLast(dueAt + (job.ttlMs ?? Math.max(1, job.expiresAt - since)));
    this.line.setDue(job, dueAt);
    job.ttlMs ??= job.expiresAt - dueAt;
    if (this.back.hasToWait(job, now)) this.back.wait(job, dueAt, now);
    else this.back.putInLine(job, dueAt, now);
  }

  /** Ends leases reservation by reservation, in the order in which they are given. */
  private settle(names: readonly string[], each: (lease: ModelLease) => void): void {
    const held = this.held(names);
    const order = [...new Set(names.map(reservationOf))];
    for (const reservation of order) {
      for (const lease of held)
        if (lease && reservationOf(lease.name) === reservation) each(this.back.end(lease));
    }
  }

  extend(names: readonly string[], leaseMs: number, now: number): (number | undefined)[] {
    const end = now + leaseMs;
    const held = names.map((name) => this.leases.find((lease) => lease.name === name));
    for (const lease of held) {
      if (!lease) continue;
      const together = this.leases.filter(
        ({ reservation, isAlone }) => reservation === lease.reservation && !isAlone,
      );
      // Leases that are not extended with all others of their reservation are separate from then on.
      if (!together.every((one) => held.includes(one))) lease.isAlone = true;
      lease.end = end;
    }
    return held.map((lease) => lease && end);
  }

  /** Removes all jobs of an id that are in one of the states, and what is believed of them. */
  remove(meant: Meant, states: readonly JobState[], now: number): ModelRemoved {
    const { id } = meant;
    const there: JobState[] = [];
    const removed: JobState[] = [];
    const act = (state: JobState, isBelieved: boolean, remove: () => unknown) => {
      there.push(state);
      if (!isBelieved || !states.includes(state)) return;
      removed.push(state);
      remove();
    };
    const [inLine, state] = [this.line.get(id), this.line.state(id, now)];
    // Of a job that has lost its body nothing is believed.
    if (state !== undefined)
      act(state, inLine === undefined || isMeant(meant, inLine, true), () => this.line.drop(id));
    for (const one of this.waitingFor(id))
      act('delayed', isMeant(meant, one.job, false), () => this.waiting.splice(this.waiting.indexOf(one), 1));
    for (const one of this.lettersOf(id))
      act('dead', isMeant(meant, one.job, false), () => this.letters.splice(this.letters.indexOf(one), 1));
    for (const lease of this.leases.filter(({ job }) => job.id === id))
      act('leased', isMeant(meant, lease.job, false), () => this.back.end(lease));
    return { removed, there };
  }

  /**
   * Removes jobs that still have the state, the content and the due time, or time of failure, that were seen. If several are
   * equal in these, all are removed, and each is reported as removed.
   * @returns for each, whether it was there
   */
  removeSeen(jobs: readonly Seen[], now: number): boolean[] {
    const gone = new Set<string>();
    return jobs.map((job) => {
      const { id, topic, body, state, failedAt, dueAt } = job;
      const name = [id, topic, body, state, state === 'dead' ? failedAt : dueAt].join(' ');
      if (this.removeOneSeen(job, now)) gone.add(name);
      return gone.has(name);
    });
  }

  private removeOneSeen({ id, topic, body, state, dueAt, failedAt }: Seen, now: number): boolean {
    const isSame = (job: ModelJob, at = dueAt) =>
      job.id === id && isMeant({ id, topic, body, dueAt: at }, job, false);
    const take = <T>(from: T[], isMeant: (one: T) => boolean) => {
      const meant = from.filter(isMeant);
      for (const one of meant) from.splice(from.indexOf(one), 1);
      return meant.length > 0;
    };
    if (state === 'dead')
      return take(this.letters, (one) => isSame(one.job, undefined) && one.failedAt === failedAt);
    if (state === 'leased') return take(this.leases, ({ job }) => isSame(job));
    const job = this.line.get(id);
    const isInLine =
      job !== undefined && this.line.state(id, now) === state && (state === 'expired' || isSame(job));
    if (isInLine) this.line.drop(id);
    const hasWaited = state === 'delayed' && take(this.waiting, (one) => isSame(one.job));
    if (hasWaited) this.back.lookLater(id, now);
    return isInLine || hasWaited;
  }

  /** Requeues the latest dead letter of an id, or the one that failed then; where there is none, its expired job. */
  requeue(
    { id, failedAt }: { readonly id: string; readonly failedAt: number | undefined },
    { delayMs, keepAttempts }: { readonly delayMs: number; readonly keepAttempts: boolean },
    now: number,
  ): RequeueResult {
    const letter = this.lettersOf(id).find((one) => failedAt === undefined || one.failedAt === failedAt);
    const job = letter?.job ?? (failedAt === undefined ? this.expired(id, now) : undefined);
    if (!job) return 'none';
    if (this.line.isTaken(id, now)) return 'duplicate_id';
    if (letter) this.letters.splice(this.letters.indexOf(letter), 1);
    const dueAt = now + delayMs;
    if (!keepAttempts) job.attempts = 0;
    if (job.ttlMs === Infinity && !this.rules.knowsTimes) job.ttlMs = undefined;
    job.ttlMs ??= DEFAULT_TTL_MS;
    job.expiresAt = this.back.byLast(dueAt + job.ttlMs);
    // If the expiry was clamped to the last possible time, the lifetime is what the times say.
    if (job.expiresAt < dueAt + job.ttlMs) job.ttlMs = undefined;
    this.line.add(job, dueAt, now);
    this.line.remember(job);
    return 'requeued';
  }

  /** The expired job of an id, where its body is kept. */
  expired(id: string, now: number): ModelJob | undefined {
    if (this.rules.losesExpired || this.line.state(id, now) !== 'expired') return undefined;
    return this.line.get(id);
  }

  pause(topic: string, forMs: number | undefined, now: number): void {
    this.pauses.set(topic, forMs === undefined ? Infinity : now + forMs);
  }

  resume(topic: string): void {
    this.pauses.delete(topic);
  }

  /** Handles ended leases, due and expired jobs, and dead letters whose time is over. */
  maintain(now: number): {
    promoted: number;
    reclaimed: number;
    deleted: number;
    buried: Reclaimed['buried'];
  } {
    const { back: reclaimed, buried } = this.back.reclaim(now);
    const promoted = this.line.promote(now);
    this.line.clear(now);
    const old = this.letters.filter(({ deleteAt }) => deleteAt <= now);
    for (const letter of old) this.letters.splice(this.letters.indexOf(letter), 1);
    return { promoted, reclaimed, deleted: old.length, buried };
  }

  /** The dead letters of an id, latest first. */
  lettersOf(id: string): Letter[] {
    const letters = this.letters.filter(({ job }) => job.id === id).reverse();
    if (this.rules.lettersOfOneMs === 'youngest first')
      letters.sort((a, b) => b.failedAt - a.failedAt || b.job.number - a.job.number);
    return letters;
  }

  /** The times at which something changes, or may change. */
  times(): number[] {
    return [
      ...this.line.times(),
      ...this.leases.map(({ end }) => end),
      ...this.waiting.map(({ lookAt }) => lookAt),
      ...this.letters.map(({ deleteAt }) => deleteAt),
      ...this.pauses.values(),
      ...this.locks.times(),
    ].filter((at) => at < Infinity);
  }
}

export interface Nacked {
  readonly outcome: 'retried' | 'dead';
  readonly dueAt?: number | undefined;
}

/** The states of the jobs that a remove deleted, and of those that were there before. */
export interface ModelRemoved {
  readonly removed: readonly JobState[];
  readonly there: readonly JobState[];
}

const dateOf = (at: number | undefined): Date | undefined => (at === undefined ? undefined : new Date(at));
const reservationOf = (name: string): string => name.split('.')[0] ?? '';
