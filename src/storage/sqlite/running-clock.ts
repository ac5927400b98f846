import { readFileSync, readlinkSync } from 'node:fs';
import { uptime } from 'node:os';
import { monotonicMs } from '../../core/timer.js';

/** How long the machine has been running. This clock is steady, whatever is done to the time of day. */
export interface RunningClock {
  /** Identifies a start of the machine; times of two starts cannot be compared. */
  readonly boot: () => string;
  /** Since that start (ms), without the time that the machine slept. */
  readonly monotonicMs: () => number;
  /** The same including sleep. In a container it may count from the container's own start. */
  readonly uptimeMs: () => number;
}

let boot: string | undefined;

export const MACHINE_CLOCK: RunningClock = {
  // A container may have a clock of its own.
  boot: () => (boot ??= `${ask(readBootId)} ${ask(readTimeNamespace)}`),
  monotonicMs,
  uptimeMs: () => Math.floor(uptime() * 1000),
};

/** The clock of a test, which moves together with the time of day. */
export function runningAs(now: () => number): RunningClock {
  return { boot: () => 'test', monotonicMs: now, uptimeMs: now };
}

const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const readTimeNamespace = (): string => readlinkSync('/proc/self/ns/time');

/** Empty on systems that do not have it. There, a new start shows by times that are smaller than before. */
function ask(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
