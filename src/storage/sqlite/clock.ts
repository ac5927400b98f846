import type { ClockWatch } from './connection-parts.js';
import type { Connection } from './connection.js';
import { boundWaits } from './bound-numbers.js';
import { LAST_TIME_MS } from './rows.js';
import type { RunningClock } from './running-clock.js';

/** A correction of the clock by so little (ms) is no jump. */
const TOLERANCE_MS = 5000;
/**
 * How often (ms) a process compares the clock with the note in the file; in between it notices jumps by itself.
 */
const CHECK_MS = 60_000;
/**
 * How long (ms) the machine has to run after the clock jumped ahead before jobs that expired by that are deleted.
 */
const PROBATION_MS = 3_600_000;

const NUMBERS = {
  monotonic_ms: 'monotonicMs',
  uptime_ms: 'uptimeMs',
  at_ms: 'atMs',
  trusted_ms: 'trustedMs',
  ran_ms: 'ranMs',
  jumped_ms: 'jumpedMs',
};
const READ = `
SELECT boot, ${Object.entries(NUMBERS)
  .map(([column, name]) => `max(-${LAST_TIME_MS}, min(${column}, ${LAST_TIME_MS})) AS ${name}`)
  .join(', ')}
FROM clock WHERE one = 1`;
const WRITE = `
INSERT OR REPLACE INTO clock (one, boot, monotonic_ms, uptime_ms, at_ms, trusted_ms, ran_ms, jumped_ms)
VALUES (1, ?, ?, ?, ?, ?, ?, ?)`;
const shifted = (column: string): string => `${column} = max(0, min(${column} + ?1, ${LAST_TIME_MS}))`;
const SHIFT_LEASES = `UPDATE lease SET ${shifted('ends_at')}, ${shifted('reserved_at')}`;
const SHIFT_LOCKS = `UPDATE lock SET ${shifted('until_at')}`;
const SHIFT_WAITS = `UPDATE waiting SET ${shifted('again_at')}, ${shifted('since')}`;

/** What the clocks show. */
interface Reading {
  readonly boot: string;
  readonly monotonicMs: number;
  readonly uptimeMs: number;
  /** The time of day. */
  readonly atMs: number;
}

/** The row of the table `clock`; migrations/ says more. */
interface ClockNote extends Reading {
  readonly trustedMs: number;
  readonly ranMs: number;
  readonly jumpedMs: number;
}

/**
 * Notices when the time of day jumps. Nothing is deleted because of a jump, since jobs that seem to have expired may
 * not have. Leases and locks go by running time, so a jump moves their ends.
 */
export class ClockKeeper implements ClockWatch {
  private checkedAtMs = -Infinity;
  /** How far the time of day is ahead of the monotonic clock. */
  private offsetMs = NaN;
  /** As of the last check; absent when the time of day is trusted. */
  private trustedMs: number | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly clock: RunningClock,
  ) {}

  /**
   * Has the time of day jumped since this process wrote? Then a transaction is needed, even if nothing is due.
   */
  hasJumped(now: number, monotonicMs = this.clock.monotonicMs()): boolean {
    return Math.abs(now - monotonicMs - this.offsetMs) >= TOLERANCE_MS;
  }

  /** Within a transaction, before its work. Usually it only compares two numbers. */
  check(now: number): void {
    const { connection } = this;
    const monotonicMs = this.clock.monotonicMs();
    if (!this.hasJumped(now, monotonicMs) && monotonicMs - this.checkedAtMs < CHECK_MS) return;
    const reading = this.read(monotonicMs, now);
    const before = readNote(connection);
    const { note, jumpMs } = before ? follow(before, reading) : { note: begin(reading), jumpMs: 0 };
    if (jumpMs !== 0) {
      connection.run(SHIFT_LEASES, Math.round(jumpMs));
      connection.run(SHIFT_LOCKS, Math.round(jumpMs));
      connection.run(SHIFT_WAITS, Math.round(jumpMs));
    }
    boundWaits(connection, now);
    connection.agenda.forget();
    if (!before || jumpMs !== 0 || isOld(before, note)) writeNote(connection, note);
    this.checkedAtMs = monotonicMs;
    this.offsetMs = now - monotonicMs;
    this.trustedMs = note.trustedMs < now ? note.trustedMs : undefined;
  }

  /** What the last check wrote was rolled back. */
  forget(): void {
    this.checkedAtMs = -Infinity;
  }

  /** Jobs that expired after this time, which is no later than `now`, are not deleted. */
  trusted(now: number): number {
    if (this.trustedMs === undefined) return now;
    return Math.min(now, this.trustedMs + this.clock.monotonicMs() - this.checkedAtMs);
  }

  /** By how much (ms) the clock has jumped lately; 0 when it has not. It writes nothing. */
  lastJump(now: number): number {
    const before = readNote(this.connection);
    return before ? follow(before, this.read(this.clock.monotonicMs(), now)).note.jumpedMs : 0;
  }

  private read(monotonicMs: number, now: number): Reading {
    return { boot: this.clock.boot(), monotonicMs, uptimeMs: this.clock.uptimeMs(), atMs: now };
  }
}

function readNote(connection: Connection): ClockNote | undefined {
  return connection.get(READ) as ClockNote | undefined;
}

function writeNote(connection: Connection, note: ClockNote): void {
  const { boot, monotonicMs, uptimeMs, atMs, trustedMs, ranMs, jumpedMs } = note;
  const numbers = [monotonicMs, uptimeMs, atMs, trustedMs, ranMs, jumpedMs].map(Math.round);
  connection.run(WRITE, boot, ...numbers);
}

const begin = (reading: Reading): ClockNote => ({
  ...reading,
  trustedMs: reading.atMs,
  ranMs: 0,
  jumpedMs: 0,
});

const isOld = (before: ClockNote, { boot, monotonicMs }: Reading): boolean =>
  before.boot !== boot || Math.abs(monotonicMs - before.monotonicMs) >= CHECK_MS;

/** The note that follows another one, and by how much the time of day has jumped in between. */
function follow(before: ClockNote, reading: Reading): { note: ClockNote; jumpMs: number } {
  const { ranMs, passedMs, jumpMs } = since(before, reading);
  const ran = ranMs === undefined || jumpMs !== 0 ? 0 : before.ranMs + ranMs;
  const isOver = ran >= PROBATION_MS;
  const jumpedMs = jumpMs === 0 ? before.jumpedMs : jumpMs;
  const trustedMs = before.trustedMs + passedMs;
  const isTrusted = isOver || reading.atMs - trustedMs <= TOLERANCE_MS;
  const note = {
    ...reading,
    trustedMs: isTrusted ? reading.atMs : trustedMs,
    ranMs: isOver || (isTrusted && jumpedMs === 0) ? 0 : ran,
    jumpedMs: isOver ? 0 : jumpedMs,
  };
  return { note, jumpMs };
}

/** How much time has passed since a note. */
interface Since {
  /** How long the machine has run; absent when it was started anew. */
  readonly ranMs?: number;
  /** The least time that has passed. */
  readonly passedMs: number;
  /** How much more, or less, the time of day shows. */
  readonly jumpMs: number;
}

function since(before: Reading, reading: Reading): Since {
  const shownMs = reading.atMs - before.atMs;
  const ranMs = reading.monotonicMs - before.monotonicMs;
  // The machine may have been off for any time, but not for a negative one.
  if (reading.boot !== before.boot || ranMs < -TOLERANCE_MS)
    return { passedMs: 0, jumpMs: Math.min(0, shownMs) };
  // If the time of day agrees with either of the steady clocks, it has not jumped.
  const jumps = [ranMs, reading.uptimeMs - before.uptimeMs].map((ms) => shownMs - ms);
  const [least = 0] = jumps.sort((a, b) => Math.abs(a) - Math.abs(b));
  const jumpMs = Math.abs(least) <= TOLERANCE_MS ? 0 : least;
  return { ranMs: Math.max(0, ranMs), passedMs: Math.max(0, shownMs - jumpMs), jumpMs };
}
