import type { JobState } from '../../src/core/job.js';
import { isBefore, type ModelJob, type Place, type Seen } from './job.js';
import { FirstPlaces, type Line } from './line.js';

/** Whether this is an expired job of Redis of which only the id is left. */
export function isLeftOver(line: Line, { id, state, lease, waits }: Seen, now: number): boolean {
  const saysNothing =
    (state === 'expired' || state === 'ready') && lease === undefined && waits === undefined;
  return saysNothing && line instanceof RedisLine && line.isLeftOver(id, now);
}

/**
 * The line in the layout of the original clients (docs/protocol.md): a pool of ids by due time, a body for each id, and
 * for each topic a list of ready ids. They change separately, so any of the three may exist without the others. An
 * expired body is gone.
 */
export class RedisLine implements Line {
  readonly pool = new Map<string, Place>();
  readonly bodies = new Map<string, ModelJob>();
  /** The ready ids by topic, the next to pop first. */
  readonly lists = new Map<string, string[]>();
  /**
   * Jobs that came back into a list whose other places are not in order, so that any place is right; and those of which an
   * older entry may be left (forgetNotedEntry).
   */
  readonly loose = new Set<string>();
  /** Topics whose ready key has a wrong type. */
  readonly spoiled = new Set<string>();
  private readonly first = new FirstPlaces();
  /** During a call that puts its jobs into the pool together: all places that were taken or given. */
  private given: Place[] | undefined;
  /** The list into which delayer put the entry of an id; entries of the original daemon have no note. */
  private readonly notes = new Map<string, { readonly topic: string; readonly place: Place | undefined }>();
  /**
   * Ids whose note is older than an entry of the original daemon. The note is of an entry that is gone, or has been
   * deleted with it, so the place of the new entry is not known.
   */
  private readonly outdated = new Set<string>();
  /** Jobs that were in line before: putting them back leaves a memo, a push does not. */
  protected readonly pushed = new WeakSet<ModelJob>();
  /** Jobs with a memo beside the body, which is kept when the original daemon moves them. */
  protected readonly memos = new Set<ModelJob>();

  list(topic: string): string[] {
    let list = this.lists.get(topic);
    if (!list) this.lists.set(topic, (list = []));
    return list;
  }

  /** The body that Redis has for an id; it is kept for the whole millisecond in which it expires. */
  body(id: string, now: number): ModelJob | undefined {
    const job = this.bodies.get(id);
    if (job && job.expiresAt < now) this.bodies.delete(id);
    return this.bodies.get(id);
  }

  get(id: string): ModelJob | undefined {
    return this.bodies.get(id);
  }

  /** Whether an entry of that list is of a job that can be taken. */
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

  /** Puts a job into the pool, also behind a job of its id that is due in the same millisecond and is replaced. */
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
   * Deletes old entries of an id, through which other clients would pop a new job of the id at once. They are searched for
   * in the list of the note, and in the lists of the topics of both jobs.
   */
  private forgetEntries(id: string, topic: string): void {
    const old = this.bodies.get(id)?.topic;
    for (const one of [topic, old]) if (one !== undefined) this.forgetEntry(id, one);
    this.forgetNotedEntry(id);
    this.forgetNote(id);
  }

  /**
   * Deletes the entry that the note of an id names. An outdated note may have been deleted before: then that entry stays,
   * and either is right.
   */
  private forgetNotedEntry(id: string): void {
    const topic = this.notes.get(id)?.topic;
    if (topic === undefined || !this.list(topic).includes(id)) return;
    if (this.outdated.has(id)) this.loose.add(id);
    else this.forgetEntry(id, topic);
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
    // The last first, so that jobs of one place keep their order, because original clients give whole seconds. Jobs of
    // unknown place come first, in their order.
    const isUnknown = ({ place }: ModelJob) => place === undefined;
    const known = jobs.filter((job) => !isUnknown(job));
    for (const job of [...known.reverse(), ...jobs.filter(isUnknown).reverse()]) {
      this.forgetNotedEntry(job.id);
      const list = this.list(job.topic);
      // Where one stands whose place is open, the place of the next one is open too.
      if (!this.isInOrder(job.topic) || list.some((id) => this.loose.has(id))) this.loose.add(job.id);
      const { place } = job;
      const behind = place ? list.findIndex((id) => !this.standsBefore(id, place)) : 0;
      list.splice(behind < 0 ? list.length : behind, 0, job.id);
      this.note(job.id, job.topic, job.place);
      this.pool.delete(job.id);
      this.setBody(job);
    }
  }

  /** The note of an id if it is up to date. */
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

  /** Puts a job into the pool behind those that are due in the same millisecond. */
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
    // Entries that do not count are skipped, and deleted.
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
      // An older entry of the id that has a note would be of this job as well.
      this.forgetNotedEntry(id);
      job.place = place;
      job.dueAt = place?.at;
      this.list(job.topic).push(id);
      this.note(id, job.topic, place);
      promoted += 1;
    }
    return promoted;
  }

  /** Does nothing: expired bodies are gone by themselves, and their entries are skipped. */
  clear(): void {
    return;
  }

  /** The ids of the pool in order of due time, then of turn, or of id for those of original clients. */
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

  /** Whether there is an id, an entry or a body that is not of a job; views may show it or not. */
  isLeftOver(id: string, now: number): boolean {
    if (this.living(id, now)) return false;
    return (
      this.pool.has(id) ||
      this.body(id, now) !== undefined ||
      [...this.lists.values()].some((list) => list.includes(id))
    );
  }

  /**
   * Whether there is a body that is neither in the pool nor in the list of its topic: another client has popped it, or
   * lost it. An entry of its id in another list is of an earlier job.
   */
  isAway(id: string, now: number): boolean {
    const job = this.body(id, now);
    return job !== undefined && !this.pool.has(id) && !this.lists.get(job.topic)?.includes(id);
  }
}
