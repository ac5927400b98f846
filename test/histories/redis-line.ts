import type { JobState } from '../../src/core/job.js';
import { isBefore, type ModelJob, type Place, type Seen } from './job.js';
import { FirstPlaces, type Line } from './line.js';

/** Is this an expired job of Redis, of which nothing but an id is left? */
export function isLeftOver(line: Line, { id, state, lease, waits }: Seen, now: number): boolean {
  const saysNothing =
    (state === 'expired' || state === 'ready') && lease === undefined && waits === undefined;
  return saysNothing && line instanceof RedisLine && line.isLeftOver(id, now);
}

/**
 * The line as the original clients' layout has it (docs/protocol.md): a pool of ids by due time, a body of each
 * id, and for each topic a list of the ids that are ready. They change each by itself, so any of the three may
 * be there without the others. Here, too, a body that has expired is gone.
 */
export class RedisLine implements Line {
  readonly pool = new Map<string, Place>();
  readonly bodies = new Map<string, ModelJob>();
  /** The next one to be popped stands first. */
  readonly lists = new Map<string, string[]>();
  /** Jobs that came back into a list in which the places of the others are not in order: any place is right. */
  readonly loose = new Set<string>();
  /** Topics whose ready key is of a wrong type. */
  readonly spoiled = new Set<string>();
  private readonly first = new FirstPlaces();
  /** Within a call that puts its jobs into the pool together: all places that were taken, or have been given. */
  private given: Place[] | undefined;
  /** In which list delayer has put the entry of an id. It does not know of those that the original daemon made. */
  private readonly notes = new Map<string, { readonly topic: string; readonly place: Place | undefined }>();
  /**
   * Ids of which the note is older than an entry: the original daemon made it. The note tells of an entry that is
   * gone, or is forgotten by now with that entry: nobody knows the place of the new one.
   */
  private readonly outdated = new Set<string>();
  /** Jobs that were in line before: who puts them back leaves a memo, and a push needs none. */
  protected readonly pushed = new WeakSet<ModelJob>();
  /** Jobs with a memo of delayer beside the body: what is known of them outlives the original daemon. */
  protected readonly memos = new Set<ModelJob>();

  list(topic: string): string[] {
    let list = this.lists.get(topic);
    if (!list) this.lists.set(topic, (list = []));
    return list;
  }

  /** The body that Redis has under an id: it keeps it for the whole ms in which it expires. */
  body(id: string, now: number): ModelJob | undefined {
    const job = this.bodies.get(id);
    if (job && job.expiresAt < now) this.bodies.delete(id);
    return this.bodies.get(id);
  }

  get(id: string): ModelJob | undefined {
    return this.bodies.get(id);
  }

  /** Does an entry of that list stand for a job that can be taken? */
  counts(id: string, topic: string, now: number): boolean {
    const job = this.body(id, now);
    return job?.topic === topic && job.expiresAt > now && !this.pool.has(id);
  }

  private isReady(id: string, now: number): boolean {
    const job = this.body(id, now);
    return job !== undefined && this.counts(id, job.topic, now) && this.list(job.topic).includes(id);
  }

  living(id: string, now: number): ModelJob | undefined {
    const job = this.body(id, now);
    if (!job || job.expiresAt <= now) return undefined;
    return this.pool.has(id) || this.isReady(id, now) ? job : undefined;
  }

  isBlocked(topic: string): boolean {
    return this.spoiled.has(topic);
  }

  isTaken(id: string, now: number): boolean {
    const job = this.body(id, now);
    return job !== undefined && job.expiresAt > now;
  }

  setDue(job: ModelJob, dueAt: number): void {
    job.dueAt = dueAt;
    job.place = { at: dueAt, turn: 0 };
  }

  /** Where a job of its id was due in the same ms, it stands behind that, too, which goes. */
  add(job: ModelJob, dueAt: number): void {
    this.forgetEntries(job.id, job.topic);
    this.putInPool(job, dueAt);
    this.setBody(job);
  }

  remember(job: ModelJob): void {
    this.memos.add(job);
  }

  private setBody(job: ModelJob): void {
    this.bodies.set(job.id, job);
    const { retries, backoff } = job.own;
    if (this.pushed.has(job) || retries !== undefined || backoff) this.memos.add(job);
    this.pushed.add(job);
  }

  /**
   * An entry that stands for nothing any more would hand a new job of its id to other clients at once. It is
   * looked for where delayer may know of one: where it has put it, and in the lists of the two jobs' topics.
   */
  private forgetEntries(id: string, topic: string): void {
    const old = this.bodies.get(id)?.topic;
    for (const one of [this.noted(id)?.topic, topic, old]) if (one !== undefined) this.forgetEntry(id, one);
    this.forgetNote(id);
  }

  private note(id: string, topic: string, place: Place | undefined): void {
    this.notes.set(id, { topic, place });
    this.outdated.delete(id);
  }

  private forgetNote(id: string): void {
    this.notes.delete(id);
    this.outdated.delete(id);
  }

  /** The original daemon puts an entry into a list. */
  protected addUnnoted(id: string, topic: string): void {
    this.list(topic).push(id);
    if (this.notes.has(id)) this.outdated.add(id);
  }

  private forgetEntry(id: string, topic: string): void {
    const rest = this.list(topic).filter((one) => one !== id);
    this.lists.set(topic, rest);
  }

  bringBack(jobs: readonly ModelJob[]): void {
    // The last first, so that those of one place keep their order: original clients give whole seconds. Those
    // whose place nobody knows become the next, in their order.
    const isUnknown = ({ place }: ModelJob) => place === undefined;
    const known = jobs.filter((job) => !isUnknown(job));
    for (const job of [...known.reverse(), ...jobs.filter(isUnknown).reverse()]) {
      const noted = this.noted(job.id);
      if (noted) this.forgetEntry(job.id, noted.topic);
      const list = this.list(job.topic);
      if (!this.isInOrder(job.topic)) this.loose.add(job.id);
      const { place } = job;
      const behind = place ? list.findIndex((id) => !this.standsBefore(id, place)) : 0;
      list.splice(behind < 0 ? list.length : behind, 0, job.id);
      this.note(job.id, job.topic, job.place);
      this.pool.delete(job.id);
      this.setBody(job);
    }
  }

  /** What is known of an entry for sure. */
  private noted(id: string): { readonly topic: string; readonly place: Place | undefined } | undefined {
    return this.outdated.has(id) ? undefined : this.notes.get(id);
  }

  private standsBefore(id: string, place: Place): boolean {
    const other = this.noted(id)?.place;
    return other !== undefined && isBefore(other, place);
  }

  private isInOrder(topic: string): boolean {
    let last: Place = { at: -1, turn: 0 };
    return this.list(topic).every((id) => {
      const place = this.noted(id)?.place;
      if (!place || !isBefore(last, place)) return false;
      last = place;
      return true;
    });
  }

  putFirst(jobs: readonly ModelJob[]): void {
    this.first.give(jobs);
    for (const job of [...jobs].reverse()) {
      this.pool.delete(job.id);
      this.forgetEntries(job.id, job.topic);
      this.list(job.topic).unshift(job.id);
      this.note(job.id, job.topic, job.place);
    }
  }

  giveBack(job: ModelJob): void {
    this.forgetEntries(job.id, job.topic);
    if (job.place) this.pool.set(job.id, job.place);
    this.setBody(job);
  }

  redate(job: ModelJob, dueAt: number): void {
    this.pool.delete(job.id);
    this.forgetEntries(job.id, job.topic);
    this.putInPool(job, dueAt);
  }

  leave(ids: readonly string[]): void {
    for (const id of ids) this.pool.delete(id);
  }

  together<T>(call: () => T): T {
    this.given = [...this.pool.values()];
    try {
      return call();
    } finally {
      this.given = undefined;
    }
  }

  /** Behind those that are due in the same ms. */
  private putInPool(job: ModelJob, dueAt: number): void {
    const others = this.given ?? [...this.pool.values()];
    const last = others.filter(({ at }) => at === dueAt).map(({ turn }) => turn);
    job.dueAt = dueAt;
    job.place = { at: dueAt, turn: Math.max(-1, ...last) + 1 };
    this.given?.push(job.place);
    this.pool.set(job.id, job.place);
  }

  take(topic: string, limit: number, now: number): ModelJob[] {
    const list = this.list(topic);
    const taken: ModelJob[] = [];
    // What does not count is passed over, and gone.
    while (taken.length < limit) {
      const id = list.shift();
      if (id === undefined) break;
      const job = this.counts(id, topic, now) ? this.bodies.get(id) : undefined;
      if (job) taken.push(job);
      if (job) this.bodies.delete(id);
      if (this.notes.get(id)?.topic === topic) this.forgetNote(id);
    }
    return taken;
  }

  drop(id: string): void {
    this.pool.delete(id);
    const job = this.bodies.get(id);
    this.bodies.delete(id);
    if (job) this.forgetEntry(id, job.topic);
    this.forgetNote(id);
  }

  promote(now: number): number {
    const due = this.poolIds().filter((id) => (this.pool.get(id)?.at ?? 0) <= now);
    let promoted = 0;
    for (const id of due) {
      const job = this.body(id, now);
      const place = this.pool.get(id);
      if (job && this.spoiled.has(job.topic)) continue;
      this.pool.delete(id);
      if (!job) continue;
      // An older entry of the id, of which a note tells, would stand for this job as well.
      const noted = this.noted(id);
      if (noted) this.forgetEntry(id, noted.topic);
      job.place = place;
      job.dueAt = place?.at;
      this.list(job.topic).push(id);
      this.note(id, job.topic, place);
      promoted += 1;
    }
    return promoted;
  }

  /** What has expired is gone by itself; entries of it are passed over. */
  clear(): void {
    return;
  }

  /** In order of due time; of those due together by turn, and those of the original clients by id. */
  protected poolIds(): string[] {
    return [...this.pool]
      .sort(([a, x], [b, y]) => x.at - y.at || x.turn - y.turn || (a < b ? -1 : 1))
      .map(([id]) => id);
  }

  state(id: string, now: number): JobState | undefined {
    const place = this.pool.get(id);
    if (place && !this.living(id, now)) return 'expired';
    if (place) return place.at > now ? 'delayed' : 'due';
    return this.isReady(id, now) ? 'ready' : undefined;
  }

  jobs(topic: string, now: number): { job: ModelJob; state: JobState }[] {
    const ids = [...new Set(this.list(topic))].filter((id) => this.counts(id, topic, now));
    return [...ids, ...this.poolIds()].flatMap((id) => {
      const job = this.living(id, now);
      return job?.topic === topic ? [{ job, state: this.state(id, now) ?? 'ready' }] : [];
    });
  }

  times(): number[] {
    return [
      ...[...this.pool.values()].map(({ at }) => at),
      ...[...this.bodies.values()].map(({ expiresAt }) => expiresAt),
    ];
  }

  /** Is there an id, an entry or a body that stands for no job? Views may tell of it, or not. */
  isLeftOver(id: string, now: number): boolean {
    if (this.living(id, now)) return false;
    return (
      this.pool.has(id) ||
      this.body(id, now) !== undefined ||
      [...this.lists.values()].some((list) => list.includes(id))
    );
  }

  /**
   * Is there a body that is neither in the pool nor in the list of its topic? Then another client has it in hand, or
   * has lost it. An entry of its id in another list is of a job before.
   */
  isAway(id: string, now: number): boolean {
    const job = this.body(id, now);
    return job !== undefined && !this.pool.has(id) && !this.lists.get(job.topic)?.includes(id);
  }
}
