import { type DaemonStatus, STEP_BOUNDS_MS } from '../core/daemon-status.js';
import type { DelayerError } from '../core/errors.js';
import { addLateness, type Lateness } from '../core/lateness.js';
import { type Maintenance, REPAIRS } from '../core/results.js';
import { monotonicMs } from '../core/timer.js';

/** Counts what a daemon does; others read it meanwhile. */
export class Progress implements DaemonStatus {
  readonly totals = { promoted: 0, expired: 0, reclaimed: 0, deleted: 0 };
  readonly steps = { counts: Array<number>(STEP_BOUNDS_MS.length + 1).fill(0), sumMs: 0 };
  readonly repairs = { delayed_ids: 0, ready_entries: 0, notes: 0, bodies: 0 };
  unnamedBodies = 0;
  wrongTypes: readonly string[] = [];
  buried = 0;
  doubled = 0;
  originalDaemons: readonly string[] = [];
  stuck = 0;
  behindMs = 0;
  outages = 0;
  lateness: Lateness | undefined;
  answeredAtMs: number | undefined;
  /** Is set when the daemon begins: it depends on the store and on the settings. */
  longestPauseMs = 0;
  lost: DelayerError | undefined;
  private latest: number | undefined;

  /** Is called for each answered step of maintenance. */
  stepDone(step: Maintenance, tookMs: number): void {
    this.answered();
    for (const name of ['promoted', 'expired', 'reclaimed', 'deleted'] as const)
      this.totals[name] += step[name];
    this.buried += step.buried?.length ?? 0;
    this.doubled += step.doubled ?? 0;
    for (const kind of REPAIRS) this.repairs[kind] += step.repairs?.[kind] ?? 0;
    this.unnamedBodies = step.unnamedBodies ?? 0;
    this.wrongTypes = (step.wrongTypes ?? []).map(({ key }) => key);
    this.stuck = step.stuck;
    const { lateness } = step;
    if (lateness) {
      this.lateness = addLateness(this.lateness, lateness);
      this.latest = Math.max(this.latest ?? 0, lateness.latestMs);
    }
    this.behindMs = step.more && lateness ? lateness.latestMs : 0;
    const bound = STEP_BOUNDS_MS.findIndex((ms) => tookMs <= ms);
    const index = bound < 0 ? STEP_BOUNDS_MS.length : bound;
    this.steps.counts[index] = (this.steps.counts[index] ?? 0) + 1;
    this.steps.sumMs += tookMs;
  }

  /** The store has answered. */
  answered(): void {
    this.answeredAtMs = monotonicMs();
    this.lost = undefined;
  }

  /** The store cannot be used. Answers whether this is new. */
  storeLost(error: DelayerError): boolean {
    const isNew = this.lost === undefined;
    if (isNew) this.outages += 1;
    this.lost = error;
    return isNew;
  }

  /** How late (ms) the latest job was since the last call of this; undefined when none was promoted. */
  takeLatest(): number | undefined {
    const latest = this.latest;
    this.latest = undefined;
    return latest;
  }
}
