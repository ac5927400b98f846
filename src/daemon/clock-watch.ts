import { monotonicMs } from '../core/timer.js';

/** So far (ms) the clock of the store may run apart from the machine's running clock from one look to the next. */
const TOLERANCE_MS = 1000;

interface Look {
  readonly storeMs: number;
  /** On the clock of monotonicMs, halfway between question and answer, and half of the time between them. */
  readonly atMs: number;
  readonly uncertainMs: number;
}

/** Notices that the clock of the store was set, or that another server with another clock answers. */
export class ClockWatch {
  private last: Look | undefined;

  /** By how much (ms) the clock was set since the look before; nothing where it was not. */
  async look(now: () => Promise<Date>): Promise<number | undefined> {
    const askedMs = monotonicMs();
    const storeMs = (await now()).getTime();
    const answeredMs = monotonicMs();
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
