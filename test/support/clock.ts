import { type ChildProcess, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The clock of a store, which a test moves. Times are whole ms since 1970. It runs as the machine's clock
 * does, until it is stopped. A move holds for the very next thing that the store does.
 *
 * It is the store's clock alone: timers and timeouts of this process take as long as ever.
 */
export interface TestClock {
  now(): number;
  /** Moves it on by so many ms, or back by as many when they are negative. */
  advance(ms: number): void;
  set(at: number | Date): void;
  /** From now on it stands, and the test alone moves it: then the store's times are known exactly. */
  stop(): void;
  /** Lets it run, from where it stands. */
  run(): void;
  /** Lets it run and show the machine's time. */
  reset(): void;
}

/** A clock for what takes one as a function, as the SQLite store does: `now: () => clock.now()`. */
export class MovableClock implements TestClock {
  /** When it stands: the time that it shows; when it runs: how far it is ahead of the machine's. */
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
    if (!Number.isSafeInteger(ms)) throw new RangeError(`a clock moves by whole ms, and this is none: ${ms}`);
    this.stands = stands;
    this.ms = ms;
  }
}

/**
 * The clock of other processes, of a redis-server above all. They are started with `env`, which loads a
 * library (clock.c) that answers when they ask for the time of day. In Redis that moves TIME, in scripts
 * too, and the expiry of keys; in Node it moves Date.
 *
 * - The timeout of a blocked command counts by the time of day in Redis: an advance ends the wait, a step
 *   back prolongs it, and on a clock that stands it has no end. Redis notices within a tenth of a second.
 * - A key lives on in the very millisecond in which it expires: `EXISTS` answers 1 and `PTTL` 0.
 * - Years after 2262 are beyond it.
 */
export class ProcessClock extends MovableClock {
  /** As clock.c has it: how many changes there were; then twice whether the clock stands, and microseconds. */
  private readonly file = new BigInt64Array(5);
  private changes = 0;
  private readonly library = ensureLibrary();

  constructor(private readonly path: string) {
    super();
    writeFileSync(path, this.file);
  }

  /** What a process has to have in its environment to run by this clock. */
  get env(): Record<string, string> {
    const others = process.env.LD_PRELOAD ?? '';
    return { LD_PRELOAD: `${this.library} ${others}`, DELAYER_TEST_CLOCK: this.path };
  }

  /** Does the process run by this clock? Into a static program no library can be loaded. */
  isUsedBy(child: ChildProcess): boolean {
    return readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes(this.path);
  }

  protected override change(stands: boolean, ms: number): void {
    super.change(stands, ms);
    this.changes += 1;
    this.file.set([BigInt(stands), BigInt(ms) * 1000n], this.changes % 2 === 0 ? 1 : 3);
    // A process reads the file at any moment: the change counts when all of it is there.
    this.write();
    this.file[0] = BigInt(this.changes);
    this.write();
  }

  private write(): void {
    writeFileSync(this.path, this.file, { flag: 'r+' });
  }
}

let library: string | undefined;

/** @throws Error when it can be neither found nor compiled */
function ensureLibrary(): string {
  const script = fileURLToPath(new URL('../../scripts/ensure-clock.sh', import.meta.url));
  library ??= execFileSync('bash', [script], { encoding: 'utf8' }).trim();
  return library;
}
