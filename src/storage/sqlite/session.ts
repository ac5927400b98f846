import { monotonicMs, pause } from '../../core/abort.js';
import { DelayerError } from '../../core/errors.js';
import type { Database, Statement, Value } from './driver.js';
import { fromSqlite, isBusy } from './failures.js';

/** How long (ms) a call waits for the other processes on the file. */
const BUSY_DEADLINE_MS = 5000;
/** The longest pause (ms) between two looks; by chance shorter, so that not all look at once. */
const BUSY_PAUSE_MS = 4;
/** Work that holds the process for so long (ms) lets signals and timers have their turn. */
const BREATH_MS = 10;

/**
 * One connection to the file. What it runs holds the process meanwhile, so a transaction is never
 * mixed with another one of the same connection. Waiting for other processes does not hold it.
 *
 * Each statement is compiled once. A limit in one is written `? + 0`: SQLite would compile it anew for
 * every value of a bare `LIMIT ?`, which takes ten times as long as running it.
 */
export class Session {
  /** Called after each commit. */
  onCommit: (() => void) | undefined;
  private readonly statements = new Map<string, Statement>();
  private open = true;
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

  /**
   * Does all of `work` or nothing, and returns when it is on the disk. `work` is given the time.
   * @throws DelayerError
   */
  async write<T>(work: (now: number) => T): Promise<T> {
    const done = await this.read(() => this.transaction(work));
    this.onCommit?.();
    return done;
  }

  /**
   * As {@link write}, but returns before it is on the disk; the next `write` takes it there. For what
   * a power cut may undo without harm: a lease that is forgotten is a job that is ready.
   */
  async writeSoon<T>(work: (now: number) => T): Promise<T> {
    const done = await this.read(() => {
      // Not as a statement that is compiled once: SQLite obeys it while it compiles.
      this.exec('PRAGMA synchronous = NORMAL');
      try {
        return this.transaction(work);
      } finally {
        this.exec('PRAGMA synchronous = FULL');
      }
    });
    this.onCommit?.();
    return done;
  }

  /**
   * Runs `work` again as long as other processes are in its way.
   * @throws DelayerError
   */
  async read<T>(work: (now: number) => T): Promise<T> {
    const deadline = monotonicMs() + this.busyDeadlineMs;
    for (;;) {
      if (!this.open) throw new DelayerError('internal', `${this.label} was closed before`);
      try {
        const done = work(this.now());
        await this.breathe();
        return done;
      } catch (error) {
        if (!isBusy(error) || monotonicMs() > deadline) throw fromSqlite(error, this.label);
      }
      await pause(1 + Math.random() * BUSY_PAUSE_MS);
    }
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

  /** The write lock is taken first: what is read after that stays true until the end. */
  private transaction<T>(work: (now: number) => T): T {
    this.run('BEGIN IMMEDIATE');
    try {
      const done = work(this.now());
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

/** Bytes as they came from SQLite; the memory is theirs alone. */
export function bytesOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
