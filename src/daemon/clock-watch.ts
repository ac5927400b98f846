import { monotonicMs } from '../core/timer.js';

/** By how much (ms) the store's clock may drift from the machine's running clock between two looks. */
const TOLERANCE_MS = 1000;

interface Look {
  readonly storeMs: number;
  /** The time on the running clock halfway between request and answer, and half of the time between them. */
  readonly atMs: number;
  readonly uncertainMs: number;
}

/** Notices that the store's clock was set, or that another server with another clock answers. */
export class ClockWatch {
  private last: Look | undefined;

  /** @param runningMs the machine's running clock; tests inject another one */
  constructor(private readonly runningMs: () => number = monotonicMs) {}

  /** By how much (ms) the clock was set since the look before; undefined when it was not. */
  async look(now: () => Promise<Date>): Promise<number | undefined> {
    const askedMs = this.runningMs();
    const storeMs = (await now()).getTime();
    const answeredMs = this.runningMs();
    const look = {
      storeMs,
      atMs: (askedMs + answeredMs) / 2,
      uncertainMs: (answeredMs - askedMs) / 2,
    };
    const { last } = this;
    this.last = look;
    if (!last) return undefined;
    const byMs = Math.round(look.storeMs - last.storeMs - (look.atMs - last.atMs));
    const toleranceMs = TOLERANCE_MS + look.uncertainMs + last.uncertainMs;
    return Math.abs(byMs) > toleranceMs ? byMs : undefined;
  }
}
