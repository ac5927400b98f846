import type { DelayerError } from '../../core/errors.js';
import { monotonicMs } from '../../core/timer.js';
import { AgendaMemory } from './agenda-memory.js';
import { BREATH_MS, BusyRetry } from './busy-retry.js';
import type { ClockWatch, ConnectionHooks, ConnectionOptions, SpaceWatch } from './connection-parts.js';
import { attach, closeDatabase, type Database, type Statement, STORE, type Value } from './driver.js';
import { isFull, isStrangeValue } from './errors.js';
import { Turns } from './turns.js';
import { VersionWatch } from './version-watch.js';
import { type Write, type WriteLimits, WriteQueue } from './write-queue.js';

/**
 * One connection to the file. A statement blocks the process while it runs, so transactions of one connection never
 * mix. Waiting for other processes does not block it.
 *
 * Each statement is compiled once. A limit is written `? + 0`: SQLite would compile a bare `LIMIT ?` again for every
 * value, which takes ten times as long as running it.
 */
export class Connection {
  readonly hooks: ConnectionHooks = {};
  readonly agenda = new AgendaMemory();
  /** Notices jumps of the clock; nobody does when absent. */
  clock: ClockWatch | undefined;
  /** Watches the room on the disk. */
  space: SpaceWatch | undefined;
  readonly label: string;
  readonly versions: VersionWatch;
  private readonly statements = new Map<string, Statement>();
  private readonly writes = new WriteQueue((group) => this.commitGroup(group));
  private readonly turns = new Turns();
  private readonly retry: BusyRetry;
  private open = true;

  constructor(
    private readonly database: Database,
    private readonly options: ConnectionOptions,
  ) {
    this.label = options.label;
    this.retry = new BusyRetry({ ...options, turns: this.turns, onMoved: () => this.hooks.onMoved?.() });
    this.versions = new VersionWatch(database, options.label);
  }

  /** The store's clock, in ms since 1970. */
  now(): number {
    return this.options.now();
  }

  /** The time up to which the clock is trusted when something is to be deleted; no later than `now`. */
  trusted(now: number): number {
    return this.clock?.trusted(now) ?? now;
  }

  /** The first row, or undefined. */
  get(sql: string, ...values: Value[]): unknown {
    return this.statement(sql).get(...values);
  }

  all(sql: string, ...values: Value[]): unknown[] {
    return this.statement(sql).all(...values);
  }

  /** Uses `get` of the binding, because its `run`, which returns two numbers, takes half as long again. */
  run(sql: string, ...values: Value[]): void {
    this.statement(sql).get(...values);
  }

  /** Runs it. @returns how many rows it changed */
  changes(sql: string, ...values: Value[]): number {
    return Number(this.statement(sql).run(...values).changes);
  }

  /** Opens the file. To be called before anything else. */
  async attach(): Promise<void> {
    await this.retry.run(() => {
      attach(this.database, this.options.file, 'rw');
    });
  }

  /** Runs statements that are needed once. */
  exec(sql: string): void {
    this.database.exec(sql);
  }

  /** Does all of `work` or nothing, while nobody else uses the connection. For work that is done once. */
  exclusively(work: () => void): void {
    this.atomically('BEGIN EXCLUSIVE', work);
  }

  /**
   * Does all of `work` or nothing, and returns when it is on the disk. `work` is given the time.
   * @throws DelayerError
   */
  write<T>(work: (now: number) => T, limits?: WriteLimits): Promise<T> {
    return this.writes.add(work, { toDisk: true, frees: false, limits });
  }

  /** As {@link write}, for work that deletes: on a full disk it may use the room that is reserved for that. */
  writeFreeing<T>(work: (now: number) => T, limits?: WriteLimits): Promise<T> {
    return this.writes.add(work, { toDisk: true, frees: true, limits });
  }

  /**
   * As {@link writeFreeing}, but returns before it is on the disk; the next `write` syncs it. For work that a power
   * cut may undo without harm: when a lease is forgotten, its job is ready.
   */
  writeSoon<T>(work: (now: number) => T, limits?: WriteLimits): Promise<T> {
    return this.writes.add(work, { toDisk: false, frees: true, limits });
  }

  /**
   * Reads. Runs `work` again while other processes are in its way.
   * @throws DelayerError
   */
  async read<T>(work: (now: number) => T): Promise<T> {
    return this.retry.run(() => {
      this.assertVersion();
      const found = work(this.now());
      this.hooks.assertSame?.();
      return found;
    });
  }

  /** Returns when no write is under way. */
  async idle(): Promise<void> {
    await this.writes.idle();
  }

  /** Syncs what is committed, in the file or in the log beside it. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.retry.close();
    this.statements.clear();
    this.versions.close();
    closeDatabase(this.database);
  }

  /** Without a promise when nothing is in the way, because several promises take a tenth of a single push. */
  private commitGroup(group: Write[]): unknown[] | Promise<unknown[]> {
    const nowMs = monotonicMs();
    this.space?.look(nowMs);
    const pause = this.turns.pause(nowMs);
    if (pause) return pause.then(() => this.commitAtLast(group));
    try {
      const done = this.retry.run(() => this.commit(group), group, nowMs);
      return done instanceof Promise ? this.commitAtLast(group, done) : this.committed(done);
    } catch (error) {
      const failure = error as DelayerError;
      return this.commitAtLast(group, Promise.reject(failure));
    }
  }

  private committed(done: unknown[]): unknown[] {
    this.turns.end();
    if (done.length > 0) this.hooks.onCommit?.();
    return done;
  }

  /** Tries again when the disk was full, or the file had a value that no delayer wrote, if that could be mended. */
  private async commitAtLast(group: Write[], first?: Promise<unknown[]>): Promise<unknown[]> {
    const tried = { frees: group.every(({ frees }) => frees), isEmptied: false, isCut: false };
    let mayMend = true;
    for (let attempt = first; ; attempt = undefined) {
      try {
        return this.committed(await (attempt ?? this.retry.run(() => this.commit(group), group)));
      } catch (error) {
        if (isFull(error) && this.space?.makeRoom(error, tried) === true) continue;
        if (mayMend && isStrangeValue((error as DelayerError).cause)) {
          mayMend = false;
          await this.retry.run(() => this.atomically('BEGIN IMMEDIATE', () => this.hooks.mend?.()));
          this.agenda.forget();
        } else throw error;
      }
    }
  }

  private commit(group: readonly Write[]): unknown[] {
    if (group.length === 0) return [];
    if (group.some(({ toDisk }) => toDisk)) return this.transaction(group);
    // Not a prepared statement, because SQLite executes it while it compiles it.
    this.exec(`PRAGMA ${STORE}.synchronous = NORMAL`);
    try {
      return this.transaction(group);
    } finally {
      this.exec(`PRAGMA ${STORE}.synchronous = FULL`);
    }
  }

  /** Takes the write lock first, so that what is read stays true until the end. */
  private transaction(group: readonly Write[]): unknown[] {
    return this.atomically('BEGIN IMMEDIATE', () => {
      this.assertVersion();
      this.clock?.check(this.now());
      const done = this.work(group);
      // Checked last: a commit to a file that is gone would be lost, though acknowledged.
      this.hooks.assertSame?.();
      if (!group.every(({ frees }) => frees)) this.space?.assertEnough();
      return done;
    });
  }

  /** Work that takes too long for one transaction is left to the next. */
  private work(group: readonly Write[]): unknown[] {
    const done: unknown[] = [];
    const untilMs = group.length === 1 ? Infinity : monotonicMs() + BREATH_MS;
    for (const { work } of group) {
      done.push(work(this.now()));
      this.agenda.settle();
      if (done.length < group.length && monotonicMs() > untilMs) break;
    }
    return done;
  }

  private atomically<T>(begin: string, work: () => T): T {
    this.run(begin);
    try {
      const done = work();
      this.run('COMMIT');
      return done;
    } catch (error) {
      try {
        this.run('ROLLBACK');
      } catch {
        // On a full disk SQLite has rolled back by itself, and there is no transaction to end.
      }
      this.clock?.forget();
      this.agenda.forget();
      throw error;
    }
  }

  /**
   * A newer delayer may have migrated the file since it was opened. If it does so between this look and a read, the
   * read may fail with another error, and the next call gives the reason. When others have changed the file, what is
   * remembered of it may be wrong.
   */
  private assertVersion(): void {
    if (this.versions.look()) this.agenda.forget();
  }

  private statement(sql: string): Statement {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }
}
