import { DelayerError } from '../../core/errors.js';
import { monotonicMs, sleep } from '../../core/timer.js';
import type { Database, Statement, Value } from './driver.js';
import { fromSqlite, isBusy, migratedError } from './errors.js';

/** How long (ms) a call waits for the other processes on the file. */
const BUSY_DEADLINE_MS = 5000;
/** The longest pause (ms) between two looks; by chance shorter, so that not all look at once. */
const BUSY_PAUSE_MS = 4;
/** Work that holds the process for so long (ms) lets signals and timers have their turn. */
const BREATH_MS = 10;

/** What waits for its transaction. */
interface Write {
  readonly work: (now: number) => unknown;
  /** Does it return when it is on the disk, and not before? */
  readonly toDisk: boolean;
  /** In a transaction of its own. */
  readonly alone: boolean;
  readonly resolve: (done: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One connection to the file. What it runs holds the process meanwhile, so a transaction is never
 * mixed with another one of the same connection. Waiting for other processes does not hold it.
 *
 * Each statement is compiled once. A limit in one is written `? + 0`: SQLite would compile it anew for
 * every value of a bare `LIMIT ?`, which takes ten times as long as running it.
 */
export class Connection {
  /** Called after each commit. */
  onCommit: (() => void) | undefined;
  private readonly statements = new Map<string, Statement>();
  private readonly queued: Write[] = [];
  private writing = false;
  private open = true;
  /** The version of the layout that this process knows; any while the file is being migrated. */
  private version = Infinity;
  private lastBreath = monotonicMs();

  constructor(
    private readonly database: Database,
    readonly label: string,
    /** The store's clock, in ms since 1970. */
    readonly now: () => number,
    private readonly busyDeadlineMs = BUSY_DEADLINE_MS,
  ) {}

  /** The first row, or undefined. */
  get(sql: string, ...values: Value[]): unknown {
    return this.statement(sql).get(...values);
  }

  all(sql: string, ...values: Value[]): unknown[] {
    return this.statement(sql).all(...values);
  }

  /** @returns how many rows it changed */
  run(sql: string, ...values: Value[]): number {
    return Number(this.statement(sql).run(...values).changes);
  }

  /** Runs statements that are needed once. */
  exec(sql: string): void {
    this.database.exec(sql);
  }

  /** From now on a file that has a newer layout than this is refused. */
  expectVersion(version: number): void {
    this.version = version;
  }

  /** Does all of `work` or nothing, as the only one on the file. For what is needed once. */
  exclusively(work: () => void): void {
    this.exec('BEGIN EXCLUSIVE');
    try {
      work();
      this.exec('COMMIT');
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  /**
   * Does all of `work` or nothing, and returns when it is on the disk. `work` is given the time. What is
   * asked for in one go is committed in one go, for a commit costs as much as fifty jobs.
   * @throws DelayerError
   */
  async write<T>(work: (now: number) => T): Promise<T> {
    return this.enqueue(work, true);
  }

  /**
   * As {@link write}, but returns before it is on the disk; the next `write` takes it there. For what
   * a power cut may undo without harm: a lease that is forgotten is a job that is ready.
   */
  async writeSoon<T>(work: (now: number) => T): Promise<T> {
    return this.enqueue(work, false);
  }

  /**
   * Reads. Runs `work` again as long as other processes are in its way.
   * @throws DelayerError
   */
  async read<T>(work: (now: number) => T): Promise<T> {
    return this.attempt(() => {
      this.assertVersion();
      return work(this.now());
    });
  }

  /**
   * What is committed is on the disk, in the file or in the log beside it. `@photostructure/sqlite`
   * lets go of the file when its statements are collected as garbage, or the process ends.
   */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.statements.clear();
    this.database.close();
  }

  private enqueue<T>(work: (now: number) => T, toDisk: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.queued.push({ work, toDisk, alone: false, resolve: resolve as (done: unknown) => void, reject });
      if (!this.writing) void this.writeQueued();
    });
  }

  /** Never rejects. */
  private async writeQueued(): Promise<void> {
    this.writing = true;
    // Calls made in the same tick join this commit.
    await Promise.resolve();
    while (this.queued.length > 0) {
      const group = this.nextGroup();
      try {
        const done = await this.attempt(() => this.commit(group));
        this.onCommit?.();
        for (const [i, result] of done.entries()) group[i]?.resolve(result);
        // What took too long for one transaction goes into the next.
        this.queued.unshift(...group.slice(done.length));
      } catch (error) {
        if (group.length > 1 && (error as DelayerError).code !== 'store_busy') {
          // One of them is at fault; each by itself tells which.
          this.queued.unshift(...group.map((one) => ({ ...one, alone: true })));
        } else for (const { reject } of group) reject(error);
      }
    }
    this.writing = false;
  }

  private nextGroup(): Write[] {
    const alone = this.queued.findIndex((one) => one.alone);
    return this.queued.splice(0, alone === 0 ? 1 : alone < 0 ? this.queued.length : alone);
  }

  private commit(group: readonly Write[]): unknown[] {
    if (group.some(({ toDisk }) => toDisk)) return this.transaction(group);
    // Not as a statement that is compiled once: SQLite obeys it while it compiles.
    this.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.transaction(group);
    } finally {
      this.exec('PRAGMA synchronous = FULL');
    }
  }

  /** The write lock is taken first: what is read after that stays true until the end. */
  private transaction(group: readonly Write[]): unknown[] {
    this.run('BEGIN IMMEDIATE');
    try {
      this.assertVersion();
      const begun = monotonicMs();
      const done: unknown[] = [];
      for (const { work } of group) {
        done.push(work(this.now()));
        if (monotonicMs() - begun > BREATH_MS) break;
      }
      this.run('COMMIT');
      return done;
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  private rollBack(): void {
    try {
      this.run('ROLLBACK');
    } catch {
      // After a full disk SQLite has rolled back by itself, and there is nothing left to end.
    }
  }

  /** Runs `work` again as long as other processes are in its way. */
  private async attempt<T>(work: () => T): Promise<T> {
    const deadline = monotonicMs() + this.busyDeadlineMs;
    for (;;) {
      if (!this.open) throw new DelayerError('internal', `${this.label} was closed before`);
      try {
        const done = work();
        await this.breathe();
        return done;
      } catch (error) {
        if (!isBusy(error) || monotonicMs() > deadline) throw fromSqlite(error, this.label);
      }
      await sleep(1 + Math.random() * BUSY_PAUSE_MS);
    }
  }

  /**
   * A newer delayer may have migrated the file since it was opened. Where it does so between this look and a
   * read, the read may fail in another way, and the next call says why.
   */
  private assertVersion(): void {
    if (this.version === Infinity) return;
    const { user_version: found } = this.get('PRAGMA user_version') as { user_version: number };
    if (found > this.version) throw migratedError(this.label, found, this.version);
  }

  private async breathe(): Promise<void> {
    if (monotonicMs() - this.lastBreath < BREATH_MS) return;
    await new Promise(setImmediate);
    this.lastBreath = monotonicMs();
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
