import { type ChildProcess, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The clock of a store, which a test moves. Times are whole ms since 1970. It runs with the machine's clock
 * until it is stopped. A move applies to the next command of the store.
 *
 * Timers and timeouts of this process are not affected.
 */
export interface TestClock {
  now(): number;
  /** Moves the clock forward, or back if `ms` is negative. */
  advance(ms: number): void;
  set(at: number | Date): void;
  /** Stops the clock: then only the test moves it, and the times of the store are known exactly. */
  stop(): void;
  /** Lets the clock run from its time. */
  run(): void;
  /** Lets the clock run, at the machine's time. */
  reset(): void;
}

/** A clock for code that takes a function, as the SQLite store does: `now: () => clock.now()`. */
export class MovableClock implements TestClock {
  /** The time while stopped; the offset from the machine's clock while running. */
  private ms = 0;
  private stands = false;

  now(): number {
    return this.stands ? this.ms : Date.now() + this.ms;
  }

  advance(ms: number): void {
    this.change(this.stands, this.ms + ms);
  }

  set(at: number | Date): void {
    this.change(this.stands, this.stands ? Number(at) : Number(at) - Date.now());
  }

  stop(): void {
    this.change(true, this.now());
  }

  run(): void {
    if (this.stands) this.change(false, this.ms - Date.now());
  }

  reset(): void {
    this.change(false, 0);
  }

  protected change(stands: boolean, ms: number): void {
    if (!Number.isSafeInteger(ms)) throw new RangeError(`a clock moves by whole ms, not by ${ms}`);
    this.stands = stands;
    this.ms = ms;
  }
}

/**
 * The clock of other processes, mainly of a redis-server. They are started with `env`, which preloads a
 * library (clock.c) that replaces the time of day. In Redis this moves TIME, also in scripts, and the expiry
 * of keys; in Node it moves Date.
 *
 * - Redis measures the timeout of a blocked command by the time of day: an advance ends the wait, a step back
 *   prolongs it, and while the clock is stopped it does not end. Redis notices within a tenth of a second.
 * - A key still exists in the millisecond in which it expires: `EXISTS` returns 1 and `PTTL` 0.
 * - Years after 2262 are not supported.
 */
export class ProcessClock extends MovableClock {
  /** As in clock.c: the number of changes; then, twice, whether the clock is stopped, and microseconds. */
  private readonly file = new BigInt64Array(5);
  private changes = 0;
  private readonly library = ensureLibrary();

  constructor(private readonly path: string) {
    super();
    writeFileSync(path, this.file);
  }

  /** The environment of a process that runs by this clock. */
  get env(): Record<string, string> {
    const others = process.env.LD_PRELOAD ?? '';
    return { LD_PRELOAD: `${this.library} ${others}`, DELAYER_TEST_CLOCK: this.path };
  }

  /** Whether the process runs by this clock: a static program cannot load the library. */
  isUsedBy(child: ChildProcess): boolean {
    return readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes(this.path);
  }

  protected override change(stands: boolean, ms: number): void {
    super.change(stands, ms);
    this.changes += 1;
    this.file.set([BigInt(stands), BigInt(ms) * 1000n], this.changes % 2 === 0 ? 1 : 3);
    // A process may read the file at any time, so the change is written first, and then its number.
    this.write();
    this.file[0] = BigInt(this.changes);
    this.write();
  }

  private write(): void {
    writeFileSync(this.path, this.file, { flag: 'r+' });
  }
}

let library: string | undefined;

/** @throws Error if the library can be neither found nor compiled */
function ensureLibrary(): string {
  const script = fileURLToPath(new URL('../../scripts/ensure-clock.sh', import.meta.url));
  library ??= execFileSync('bash', [script], { encoding: 'utf8' }).trim();
  return library;
}
